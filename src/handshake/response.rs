//! The accepting response, after the handshake service had it.

use http::{
    HeaderMap, HeaderValue,
    header::{
        CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL,
        TRANSFER_ENCODING, UPGRADE,
    },
};

use super::protocol::Offered;

/// Puts the headers of an accepting response right and tells the subprotocol that they agree on.
///
/// What the client would have to fail the connection for (RFC 6455 §4.1) is never sent, whatever the handshake
/// service did: it may have built a response of its own.
pub(crate) fn settle(headers: &mut HeaderMap, accept: HeaderValue, offered: &Offered) -> Option<HeaderValue> {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    headers.remove(SEC_WEBSOCKET_EXTENSIONS);
    // RFC 9110 §8.6 and §6.1: no body and so no length in a 1xx.
    headers.remove(CONTENT_LENGTH);
    headers.remove(TRANSFER_ENCODING);

    let protocol = headers.remove(SEC_WEBSOCKET_PROTOCOL)?;
    if !offered.contains(&protocol) {
        return None;
    }
    headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol.clone());
    Some(protocol)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::{Offered, settle};

    fn settled(
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
        let protocol = settle(&mut headers, HeaderValue::from_static("x"), &offered);
        (headers, protocol)
    }

    #[test]
    fn a_response_built_from_nothing_gets_what_the_rfc_demands() {
        let (headers, protocol) = settled("chat", &[("connection", "close"), ("x-own", "1")]);
        assert_eq!(headers["connection"], "Upgrade");
        assert_eq!(headers["upgrade"], "websocket");
        assert_eq!(headers["sec-websocket-accept"], "x");
        assert_eq!(headers["x-own"], "1");
        assert_eq!(protocol, None);
    }

    #[test]
    fn only_an_offered_subprotocol_is_sent() {
        for (offer, answer, expected) in [
            ("chat, superchat", "superchat", Some("superchat")),
            ("chat", "other", None),
            ("chat, superchat", "chat, superchat", None),
        ] {
            let (headers, protocol) = settled(offer, &[("sec-websocket-protocol", answer)]);
            assert_eq!(protocol.as_ref().map(|p| p.to_str().unwrap()), expected);
            assert_eq!(headers.get("sec-websocket-protocol"), protocol.as_ref());
        }
    }

    #[test]
    fn what_was_not_negotiated_and_what_a_101_must_not_have_is_taken_out() {
        let (headers, _) = settled(
            "",
            &[
                ("sec-websocket-extensions", "permessage-deflate"),
                ("content-length", "0"),
                ("transfer-encoding", "chunked"),
            ],
        );
        assert_eq!(headers.len(), 3, "{headers:?}");
    }
}
