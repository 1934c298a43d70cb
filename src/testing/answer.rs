//! What a client does with a 101 (RFC 6455 §4.1).

use http::{
    HeaderMap,
    header::{
        CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
        SEC_WEBSOCKET_PROTOCOL, UPGRADE,
    },
};
use tungstenite::handshake::derive_accept_key;

use crate::header::{has_token, tokens};

/// Whether a client that has sent the headers `sent` may take `received` for an open WebSocket; the error says why not.
pub(super) fn check(sent: &HeaderMap, received: &HeaderMap) -> Result<(), String> {
    for (name, token) in [(UPGRADE, "websocket"), (CONNECTION, "upgrade")] {
        if !has_token(received, &name, token) {
            return Err(format!("the 101 has no `{token}` in its header `{name}`"));
        }
    }
    let key = sent.get(SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
    let accept = received.get(SEC_WEBSOCKET_ACCEPT).and_then(|accept| accept.to_str().ok());
    if accept != key.as_deref() {
        return Err(format!("the 101 has the Sec-WebSocket-Accept {accept:?}, not {key:?}"));
    }
    let chosen = received.get_all(SEC_WEBSOCKET_PROTOCOL).iter().collect::<Vec<_>>();
    let is_offered = |protocol| tokens(sent, &SEC_WEBSOCKET_PROTOCOL).any(|offer| protocol == offer);
    if chosen.len() > 1 || !chosen.iter().copied().all(is_offered) {
        return Err(format!("the 101 has the subprotocol {chosen:?}, which was not offered"));
    }
    if let Some(extensions) = received.get(SEC_WEBSOCKET_EXTENSIONS) {
        return Err(format!("the 101 has the extension {extensions:?}, which this client does not speak"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::check;

    fn headers(lines: &str) -> HeaderMap {
        let lines = lines.lines().filter_map(|line| line.trim().split_once(": "));
        let parse = |(name, value): (&str, &str)| {
            (name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap())
        };
        lines.map(parse).collect()
    }

    #[test]
    fn what_a_client_must_not_accept_is_named() {
        let sent = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Protocol: a, b";
        let good = "Upgrade: WebSocket\nConnection: keep-alive, Upgrade\n\
            Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\nSec-WebSocket-Protocol: b";
        assert_eq!(check(&headers(sent), &headers(good)), Ok(()));
        for (from, to, told) in [
            ("WebSocket\n", "h2c\n", "`websocket` in its header `upgrade`"),
            ("keep-alive, Upgrade", "keep-alive", "`upgrade` in its header `connection`"),
            ("s3pP", "S3pP", "Sec-WebSocket-Accept"),
            ("Protocol: b", "Protocol: c", "subprotocol"),
            ("Protocol: b", "Protocol: a, b", "subprotocol"),
            ("Protocol: b", "Extensions: permessage-deflate", "extension"),
        ] {
            let error = check(&headers(sent), &headers(&good.replace(from, to))).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }
}
