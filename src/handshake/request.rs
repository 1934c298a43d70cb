//! Which requests are opening handshakes, and which of those are good ones (RFC 6455 §4.2.1).

use http::{
    HeaderMap, HeaderValue, Method, Request, Version,
    header::{
        CONNECTION, CONTENT_LENGTH, HOST, HeaderName, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
        SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
    },
    request::Parts,
};

use super::{HandshakeError, key, protocol::Offered};
use crate::header::has_token;

/// Whether `request` asks for a WebSocket, rightly or wrongly; all others are not ours to answer.
///
/// HTTP/1.0 must ignore `Upgrade` (RFC 9110 §7.8).
pub(crate) fn is_upgrade<B>(request: &Request<B>) -> bool {
    request.version() == Version::HTTP_11
        && has_token(request.headers(), &UPGRADE, "websocket")
        && has_token(request.headers(), &CONNECTION, "upgrade")
}

/// A request that keeps every rule of RFC 6455 §4.2.1.
#[derive(Debug)]
pub(crate) struct UpgradeRequest {
    /// The value of `Sec-WebSocket-Accept` that answers the client's key.
    pub(crate) accept: HeaderValue,
    /// The subprotocols that the client offers.
    pub(crate) offered: Offered,
}

impl UpgradeRequest {
    /// Checks a request that [`is_upgrade`].
    pub(crate) fn parse(parts: &Parts) -> Result<Self, HandshakeError> {
        let headers = &parts.headers;
        if parts.method != Method::GET {
            return Err(HandshakeError::MethodNotGet(parts.method.clone()));
        }
        match only(headers, &SEC_WEBSOCKET_VERSION) {
            Lines::None => return Err(HandshakeError::MissingVersion),
            Lines::One(version) if version.as_bytes() == b"13" => {}
            Lines::One(version) | Lines::More(version) => {
                return Err(HandshakeError::UnsupportedVersion(version.clone()));
            }
        }
        let accept = match only(headers, &SEC_WEBSOCKET_KEY) {
            Lines::None => return Err(HandshakeError::MissingKey),
            Lines::One(key) if key::is_valid(key) => key::accept(key),
            Lines::One(key) => return Err(HandshakeError::InvalidKey(key.clone())),
            Lines::More(_) => return Err(HandshakeError::RepeatedKey),
        };
        match only(headers, &HOST) {
            Lines::None => return Err(HandshakeError::MissingHost),
            Lines::One(_) => {}
            Lines::More(_) => return Err(HandshakeError::RepeatedHost),
        }
        if headers.contains_key(TRANSFER_ENCODING)
            || headers.get_all(CONTENT_LENGTH).iter().any(|length| length != "0")
        {
            return Err(HandshakeError::BodyAnnounced);
        }
        Ok(Self { accept, offered: Offered::new(headers.get_all(SEC_WEBSOCKET_PROTOCOL)) })
    }
}

/// The lines of a header that must not be repeated.
enum Lines<'a> {
    None,
    One(&'a HeaderValue),
    /// More than one: the second is what is wrong.
    More(&'a HeaderValue),
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Lines<'a> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Lines::None,
        (Some(value), None) => Lines::One(value),
        (Some(_), Some(second)) => Lines::More(second),
    }
}

#[cfg(test)]
mod tests {
    use http::{Request, StatusCode, Version, request::Builder};

    use super::{HandshakeError, UpgradeRequest, is_upgrade};

    /// The request of RFC 6455 §1.2, less the headers named in `without`.
    fn request(without: &[&str]) -> Builder {
        let lines = [
            ("Host", "server.example.com"),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Origin", "http://example.com"),
            ("Sec-WebSocket-Protocol", "chat, superchat"),
            ("Sec-WebSocket-Version", "13"),
        ];
        lines
            .into_iter()
            .filter(|(name, _)| !without.contains(name))
            .fold(Request::get("/chat"), |request, (name, value)| request.header(name, value))
    }

    fn parse(request: Builder) -> Result<UpgradeRequest, HandshakeError> {
        UpgradeRequest::parse(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn the_example_of_rfc_6455_section_1_2_is_good() {
        assert!(is_upgrade(&request(&[]).body(()).unwrap()));
        let parsed = parse(request(&[])).unwrap();
        assert_eq!(parsed.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(parsed.offered.iter().collect::<Vec<_>>(), ["chat", "superchat"]);
    }

    #[test]
    fn what_asks_for_a_websocket_is_ours() {
        let upgrade = |lines: &[(&str, &str)]| {
            let request = request(&["Upgrade", "Connection"]);
            let request = lines.iter().fold(request, |request, (n, v)| request.header(*n, *v));
            is_upgrade(&request.body(()).unwrap())
        };
        assert!(upgrade(&[("Upgrade", "websocket"), ("Connection", "keep-alive, Upgrade")]));
        assert!(upgrade(&[("Upgrade", "WebSocket"), ("Connection", "UPGRADE")]));
        assert!(upgrade(&[("Upgrade", "h2c, websocket"), ("Connection", "upgrade")]));
        assert!(upgrade(&[
            ("Upgrade", "h2c"),
            ("Upgrade", "websocket"),
            ("Connection", "keep-alive"),
            ("Connection", "upgrade"),
        ]));

        assert!(!upgrade(&[]));
        assert!(!upgrade(&[("Upgrade", "websocket")]));
        assert!(!upgrade(&[("Connection", "upgrade")]));
        assert!(!upgrade(&[("Upgrade", "h2c"), ("Connection", "upgrade")]));
        assert!(!upgrade(&[("Upgrade", "websocket"), ("Connection", "not-upgrade")]));
        assert!(!upgrade(&[("Upgrade", "websocketx"), ("Connection", "upgrade")]));
        assert!(!upgrade(&[("Upgrade", "websocket/13"), ("Connection", "upgrade")]));
    }

    #[test]
    fn only_http_1_1_upgrades() {
        for (version, expected) in [
            (Version::HTTP_09, false),
            (Version::HTTP_10, false),
            (Version::HTTP_11, true),
            (Version::HTTP_2, false),
        ] {
            let request = request(&[]).version(version).body(()).unwrap();
            assert_eq!(is_upgrade(&request), expected, "{version:?}");
        }
    }

    #[test]
    fn each_broken_rule_has_its_answer() {
        let cases: Vec<(Builder, StatusCode, &str)> = vec![
            (request(&[]).method("POST"), StatusCode::METHOD_NOT_ALLOWED, "GET, not POST"),
            (request(&["Sec-WebSocket-Version"]), StatusCode::UPGRADE_REQUIRED, "missing"),
            (
                request(&["Sec-WebSocket-Version"]).header("Sec-WebSocket-Version", "8"),
                StatusCode::UPGRADE_REQUIRED,
                "is \"8\"",
            ),
            (request(&[]).header("Sec-WebSocket-Version", "8"), StatusCode::UPGRADE_REQUIRED, "is \"8\""),
            (request(&["Sec-WebSocket-Key"]), StatusCode::BAD_REQUEST, "Key is missing"),
            (
                request(&[]).header("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
                StatusCode::BAD_REQUEST,
                "Key is repeated",
            ),
            (
                request(&["Sec-WebSocket-Key"]).header("Sec-WebSocket-Key", "abc"),
                StatusCode::BAD_REQUEST,
                "Key is \"abc\"",
            ),
            (request(&["Host"]), StatusCode::BAD_REQUEST, "Host is missing"),
            (request(&[]).header("Host", "b"), StatusCode::BAD_REQUEST, "Host is repeated"),
            (request(&[]).header("Content-Length", "1"), StatusCode::BAD_REQUEST, "no body"),
            (request(&[]).header("Transfer-Encoding", "chunked"), StatusCode::BAD_REQUEST, "no body"),
        ];
        for (request, status, text) in cases {
            let error = parse(request).unwrap_err();
            assert_eq!(error.status(), status, "{error}");
            let response = error.into_response();
            assert_eq!(response.status(), status);
            let body = std::str::from_utf8(response.body()).unwrap().to_owned();
            assert!(body.contains(text), "{body:?} should contain {text:?}");
            let version = response.headers().get("Sec-WebSocket-Version");
            assert_eq!(version.is_some(), status == StatusCode::UPGRADE_REQUIRED);
            let allow = response.headers().get("Allow");
            assert_eq!(allow.is_some(), status == StatusCode::METHOD_NOT_ALLOWED);
        }
    }

    #[test]
    fn a_body_of_no_bytes_is_no_body() {
        parse(request(&[]).header("Content-Length", "0")).unwrap();
    }
}
