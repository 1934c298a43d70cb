//! The accepting response, before and after the handshake service.

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

/// The response that accepts a request.
#[derive(Clone, Debug)]
pub(crate) enum SuccessResponse {
    /// A 101 with this `Sec-WebSocket-Accept` (RFC 6455 §4.2.2 item 5).
    SwitchingProtocols(HeaderValue),
    /// A 200 (RFC 8441 §5).
    Ok,
}

impl SuccessResponse {
    /// Returns the only status that accepts.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::SwitchingProtocols(_) => StatusCode::SWITCHING_PROTOCOLS,
            Self::Ok => StatusCode::OK,
        }
    }

    /// Returns the kind of the request.
    pub(crate) fn kind(&self) -> HandshakeKind {
        match self {
            Self::SwitchingProtocols(_) => HandshakeKind::Upgrade,
            Self::Ok => HandshakeKind::ExtendedConnect,
        }
    }

    /// Returns the response that the handshake service gets.
    pub(crate) fn prebuilt(self) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = self.status();
        if let Self::SwitchingProtocols(accept) = self {
            put(accept, response.headers_mut());
        }
        response
    }

    /// Corrects the headers of an accepting response, and returns the negotiated values.
    ///
    /// The handshake service may have built its own response. Headers for which the client would
    /// have to fail the connection (RFC 6455 §4.1) are never sent.
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
        // RFC 9110 §8.6: a 1xx, and a 2xx to CONNECT, must not have a length.
        headers.remove(CONTENT_LENGTH);

        let protocol = headers.remove(SEC_WEBSOCKET_PROTOCOL).filter(|protocol| offered.contains(protocol));
        if let Some(protocol) = &protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol.clone());
        }
        NegotiatedHeaders { protocol, deflate: extensions.settle(headers) }
    }
}

/// The values that an accepting response negotiates.
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
    fn empty_response_gets_the_required_headers() {
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
    fn forbidden_and_unnegotiated_headers_are_removed() {
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
    fn ok_response_has_no_upgrade_headers() {
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
