//! The accepting response, before and after the handshake service had it.

use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{
        CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, TRANSFER_ENCODING, UPGRADE,
    },
};

use super::{HandshakeKind, protocol::Offered};
use crate::{
    deflate::{NegotiatedDeflate, Offers},
    header::strip_connection,
};

/// What accepts a request.
#[derive(Clone, Debug)]
pub(crate) enum SuccessResponse {
    /// A 101 with this `Sec-WebSocket-Accept` (RFC 6455 §4.2.2 item 5).
    SwitchingProtocols(HeaderValue),
    /// A 200 (RFC 8441 §5).
    Ok,
}

impl SuccessResponse {
    /// The status that accepts, and no other does.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::SwitchingProtocols(_) => StatusCode::SWITCHING_PROTOCOLS,
            Self::Ok => StatusCode::OK,
        }
    }

    /// What it answers.
    pub(crate) fn kind(&self) -> HandshakeKind {
        match self {
            Self::SwitchingProtocols(_) => HandshakeKind::Upgrade,
            Self::Ok => HandshakeKind::ExtendedConnect,
        }
    }

    /// The response that a handshake service finds.
    pub(crate) fn prebuilt(self) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = self.status();
        if let Self::SwitchingProtocols(accept) = self {
            put(accept, response.headers_mut());
        }
        response
    }

    /// Puts the headers of an accepting response right and tells what they agree on.
    ///
    /// What the client would have to fail the connection for (RFC 6455 §4.1) is never sent,
    /// whatever the handshake service did: it may have built a response of its own.
    pub(crate) fn settle(
        self,
        headers: &mut HeaderMap,
        offered: &Offered,
        extensions: &Offers,
    ) -> NegotiatedHeaders {
        match self {
            Self::SwitchingProtocols(accept) => {
                headers.remove(TRANSFER_ENCODING);
                put(accept, headers);
            }
            Self::Ok => {
                strip_connection(headers);
                headers.remove(SEC_WEBSOCKET_ACCEPT);
            }
        }
        // RFC 9110 §8.6: no length in a 1xx, nor in a 2xx to CONNECT.
        headers.remove(CONTENT_LENGTH);

        let protocol = headers.remove(SEC_WEBSOCKET_PROTOCOL).filter(|protocol| offered.contains(protocol));
        if let Some(protocol) = &protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol.clone());
        }
        NegotiatedHeaders { protocol, deflate: extensions.settle(headers) }
    }
}

/// What an accepting response agrees on.
#[derive(Debug)]
pub(crate) struct NegotiatedHeaders {
    pub(crate) protocol: Option<HeaderValue>,
    pub(crate) deflate: NegotiatedDeflate,
}

fn put(accept: HeaderValue, headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{Offered, Offers, SuccessResponse};

    const ACCEPT: SuccessResponse = SuccessResponse::SwitchingProtocols(HeaderValue::from_static("x"));

    fn settled(
        acceptance: SuccessResponse,
        offer: &'static str,
        lines: &[(&'static str, &'static str)],
    ) -> (HeaderMap, Option<HeaderValue>) {
        let mut request = HeaderMap::new();
        request.insert("sec-websocket-protocol", HeaderValue::from_static(offer));
        let offered = Offered::new(request.get_all("sec-websocket-protocol"));
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let settled = acceptance.settle(&mut headers, &offered, &Offers::default());
        (headers, settled.protocol)
    }

    #[test]
    fn a_response_built_from_nothing_gets_what_the_rfc_demands() {
        let (headers, protocol) = settled(ACCEPT, "chat", &[("connection", "close"), ("x-own", "1")]);
        assert_eq!(headers["connection"], "Upgrade");
        assert_eq!(headers["upgrade"], "websocket");
        assert_eq!(headers["sec-websocket-accept"], "x");
        assert_eq!(headers["x-own"], "1");
        assert_eq!(protocol, None);
    }

    #[test]
    fn only_an_offered_subprotocol_is_sent() {
        for (acceptance, offer, answer, expected) in [
            (ACCEPT, "chat, superchat", "superchat", Some("superchat")),
            (ACCEPT, "chat", "other", None),
            (ACCEPT, "chat, superchat", "chat, superchat", None),
            (SuccessResponse::Ok, "chat, superchat", "superchat", Some("superchat")),
            (SuccessResponse::Ok, "chat", "other", None),
        ] {
            let (headers, protocol) = settled(acceptance, offer, &[("sec-websocket-protocol", answer)]);
            assert_eq!(protocol.as_ref().map(|p| p.to_str().unwrap()), expected);
            assert_eq!(headers.get("sec-websocket-protocol"), protocol.as_ref());
        }
    }

    #[test]
    fn what_was_not_negotiated_and_what_a_101_must_not_have_is_taken_out() {
        let (headers, _) = settled(
            ACCEPT,
            "",
            &[
                ("sec-websocket-extensions", "permessage-deflate"),
                ("content-length", "0"),
                ("transfer-encoding", "chunked"),
            ],
        );
        assert_eq!(headers.len(), 3, "{headers:?}");
    }

    #[test]
    fn a_200_has_nothing_of_an_upgrade() {
        assert!(SuccessResponse::Ok.prebuilt().headers().is_empty());
        let (headers, _) = settled(
            SuccessResponse::Ok,
            "",
            &[
                ("connection", "Upgrade, x-hop"),
                ("x-hop", "1"),
                ("upgrade", "websocket"),
                ("sec-websocket-accept", "x"),
                ("sec-websocket-extensions", "permessage-deflate"),
                ("content-length", "0"),
                ("transfer-encoding", "chunked"),
                ("x-own", "1"),
            ],
        );
        assert_eq!(headers.keys().collect::<Vec<_>>(), ["x-own"]);
    }
}
