//! The check of a client's opening handshake (RFC 6455 §4.2.1, RFC 8441 §5).

use http::{
    HeaderMap, HeaderValue, Method, Uri,
    header::{
        CONTENT_LENGTH, HOST, HeaderName, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
        TRANSFER_ENCODING,
    },
    request::Parts,
};

use super::{HandshakeError, HandshakeKind, authority, key, protocol::Offered, response::SuccessResponse};
use crate::header::{HostPort, joined};

/// A request that follows all rules of its [`HandshakeKind`].
#[derive(Debug)]
pub(crate) struct UpgradeRequest {
    /// The response that accepts the request.
    pub(crate) acceptance: SuccessResponse,
    /// The subprotocols that the client offers.
    pub(crate) offered: Offered,
}

impl UpgradeRequest {
    /// Checks a request that asks for a WebSocket as `kind` describes.
    pub(crate) fn parse(parts: &Parts, kind: HandshakeKind) -> Result<Self, HandshakeError> {
        let headers = &parts.headers;
        if kind == HandshakeKind::Upgrade && parts.method != Method::GET {
            return Err(HandshakeError::MethodNotGet(parts.method.clone()));
        }
        check_target(&parts.uri)?;
        match only(headers, &SEC_WEBSOCKET_VERSION) {
            Lines::None => return Err(HandshakeError::MissingVersion(kind)),
            Lines::One(version) if version.as_bytes() == b"13" => {}
            Lines::One(version) => return Err(HandshakeError::UnsupportedVersion(version.clone(), kind)),
            Lines::More(versions) => return Err(HandshakeError::RepeatedVersion(versions, kind)),
        }
        let acceptance = match kind {
            HandshakeKind::Upgrade => SuccessResponse::SwitchingProtocols(check_key(headers)?),
            // RFC 8441 §5: `:protocol` replaces the key. A key is ignored.
            HandshakeKind::ExtendedConnect => SuccessResponse::Ok,
        };
        check_host(parts, kind)?;
        if announces_body(headers, kind) {
            return Err(HandshakeError::BodyAnnounced);
        }
        Ok(Self { acceptance, offered: Offered::new(headers.get_all(SEC_WEBSOCKET_PROTOCOL)) })
    }
}

/// Returns the `Sec-WebSocket-Accept` for the client's key.
fn check_key(headers: &HeaderMap) -> Result<HeaderValue, HandshakeError> {
    match only(headers, &SEC_WEBSOCKET_KEY) {
        Lines::None => Err(HandshakeError::MissingKey),
        Lines::One(key) if key::is_valid(key) => Ok(key::accept(key)),
        Lines::One(key) => Err(HandshakeError::InvalidKey(key.clone())),
        Lines::More(keys) => Err(HandshakeError::RepeatedKey(keys)),
    }
}

/// Checks that the target is a path or an absolute URI, not `*` or only an authority (RFC 9112
/// §3.2).
fn check_target(uri: &Uri) -> Result<(), HandshakeError> {
    let is_authority_alone = uri.scheme().is_none() && uri.authority().is_some();
    if is_authority_alone || !uri.path().starts_with('/') {
        return Err(HandshakeError::InvalidTarget(uri.to_string()));
    }
    Ok(())
}

fn check_host(parts: &Parts, kind: HandshakeKind) -> Result<(), HandshakeError> {
    let host = match only(&parts.headers, &HOST) {
        Lines::None => None,
        Lines::One(host) => Some(host),
        Lines::More(hosts) => return Err(HandshakeError::RepeatedHost(hosts)),
    };
    let authority = parts.uri.authority().map(|authority| authority.as_str());
    let parse = |bytes| {
        let invalid = || HeaderValue::from_bytes(bytes).unwrap_or(HeaderValue::from_static(""));
        HostPort::parse(bytes).ok_or_else(|| HandshakeError::InvalidHost(invalid()))
    };
    let of_target = authority.map(|authority| parse(authority.as_bytes())).transpose()?;
    let of_header = host.map(|host| parse(host.as_bytes())).transpose()?;
    match (kind, host, of_target.zip(of_header)) {
        // RFC 9112 §3.2: `Host` is required, even if the target is an absolute URI, whose host then
        // has precedence.
        (HandshakeKind::Upgrade, None, _) => Err(HandshakeError::MissingHost),
        (HandshakeKind::ExtendedConnect, None, _) if authority.is_none() => Err(HandshakeError::MissingHost),
        (HandshakeKind::ExtendedConnect, Some(host), Some((of_target, of_header))) => {
            let default = parts.uri.scheme_str().and_then(authority::default_port);
            if of_target.is_same(&of_header, default) {
                return Ok(());
            }
            let authority = HeaderValue::from_str(authority.unwrap_or_default());
            let authority = authority.unwrap_or(HeaderValue::from_static(""));
            Err(HandshakeError::DifferentHost { host: host.clone(), authority })
        }
        _ => Ok(()),
    }
}

/// Returns whether the request announces bytes that are not frames.
///
/// Over HTTP/2 the frames are the body of the request. Even a length of 0 would be an error with
/// the first frame (RFC 9113 §8.1.1).
fn announces_body(headers: &HeaderMap, kind: HandshakeKind) -> bool {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    match kind {
        HandshakeKind::Upgrade => {
            headers.contains_key(TRANSFER_ENCODING) || lengths.any(|length| length != "0")
        }
        HandshakeKind::ExtendedConnect => lengths.next().is_some(),
    }
}

/// The lines of a header that must not be repeated.
enum Lines<'a> {
    None,
    One(&'a HeaderValue),
    /// Several lines, joined into one.
    More(HeaderValue),
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Lines<'a> {
    let mut lines = headers.get_all(name).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Lines::None,
        (Some(value), None) => Lines::One(value),
        (Some(_), Some(_)) => Lines::More(joined(headers, name)),
    }
}

#[cfg(test)]
mod tests {
    use http::{Request, StatusCode, Version, request::Builder};

    use super::{HandshakeError, HandshakeKind, SuccessResponse, UpgradeRequest};

    /// The request of RFC 6455 §1.2, except the headers named in `without`.
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
        UpgradeRequest::parse(&request.body(()).unwrap().into_parts().0, HandshakeKind::Upgrade)
    }

    #[test]
    fn example_of_rfc_6455_section_1_2_is_valid() {
        assert_eq!(HandshakeKind::of(&request(&[]).body(()).unwrap()), Some(HandshakeKind::Upgrade));
        let parsed = parse(request(&[])).unwrap();
        let SuccessResponse::SwitchingProtocols(accept) = parsed.acceptance else { panic!("{parsed:?}") };
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert_eq!(parsed.offered.iter().collect::<Vec<_>>(), ["chat", "superchat"]);
    }

    #[test]
    fn each_broken_rule_has_its_response() {
        let cases: Vec<(Builder, StatusCode, &str)> = vec![
            (request(&[]).method("POST"), StatusCode::METHOD_NOT_ALLOWED, "GET, not POST"),
            (request(&["Sec-WebSocket-Version"]), StatusCode::UPGRADE_REQUIRED, "missing"),
            (
                request(&["Sec-WebSocket-Version"]).header("Sec-WebSocket-Version", "8"),
                StatusCode::UPGRADE_REQUIRED,
                "is \"8\"",
            ),
            (
                request(&[]).header("Sec-WebSocket-Version", "13"),
                StatusCode::UPGRADE_REQUIRED,
                "Version is repeated: \"13, 13\", it must occur once",
            ),
            (
                request(&[]).uri("foo"),
                StatusCode::BAD_REQUEST,
                "the request target is \"foo\", it must be a path",
            ),
            (request(&[]).uri("foo:80"), StatusCode::BAD_REQUEST, "is \"foo:80\", it must be a path"),
            (request(&[]).uri("*"), StatusCode::BAD_REQUEST, "is \"*\", it must be a path"),
            (request(&[]).uri("http://user@a/"), StatusCode::BAD_REQUEST, "Host is \"user@a\""),
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
            (
                request(&[]).header("Host", "b"),
                StatusCode::BAD_REQUEST,
                "Host is repeated: \"server.example.com, b\", it must occur once",
            ),
            (request(&[]).header("Content-Length", "1"), StatusCode::BAD_REQUEST, "no body"),
            (request(&[]).header("Transfer-Encoding", "chunked"), StatusCode::BAD_REQUEST, "no body"),
        ];
        for (request, status, text) in cases {
            let error = parse(request).unwrap_err();
            assert_eq!(error.status(), status, "{error}");
            let response = error.into_response();
            assert_eq!(response.status(), status);
            let body = std::str::from_utf8(response.body().as_bytes().unwrap()).unwrap().to_owned();
            assert!(body.contains(text), "{body:?} should contain {text:?}");
            let version = response.headers().get("Sec-WebSocket-Version");
            assert_eq!(version.is_some(), status == StatusCode::UPGRADE_REQUIRED);
            let allow = response.headers().get("Allow");
            assert_eq!(allow.is_some(), status == StatusCode::METHOD_NOT_ALLOWED);
        }
    }

    #[test]
    fn host_is_a_host_with_an_optional_port() {
        for host in ["a", "A.example:80", "a:", "127.0.0.1:9001", "[::1]", "[::1]:9001", "a_b", "a-b."] {
            parse(request(&["Host"]).header("Host", host)).unwrap_or_else(|error| panic!("{host}: {error}"));
        }
        for host in [
            "",
            "a b",
            "a/b",
            "user@host",
            "host:80x",
            "::1:9001",
            "::1",
            "[::1",
            "a,b c",
            "a:65536",
            "a:80:80",
        ] {
            let error = parse(request(&["Host"]).header("Host", host)).unwrap_err();
            assert_eq!(error.status(), StatusCode::BAD_REQUEST);
            assert_eq!(
                error.to_string(),
                format!("Host is {host:?}, it must be a host and an optional port")
            );
        }
    }

    #[test]
    fn target_can_be_an_absolute_uri() {
        for uri in
            ["http://server.example.com/chat", "https://other.example.com:8443", "ws://[::1]/?a", "/", "//a"]
        {
            parse(request(&[]).uri(uri)).unwrap_or_else(|error| panic!("{uri}: {error}"));
        }
    }

    #[test]
    fn content_length_of_zero_is_allowed() {
        parse(request(&[]).header("Content-Length", "0")).unwrap();
    }

    /// The request of RFC 8441 §5.1, except the headers named in `without`.
    fn connect(uri: &str, without: &[&str]) -> Builder {
        let lines = [
            ("Sec-WebSocket-Protocol", "chat, superchat"),
            ("Sec-WebSocket-Extensions", "permessage-deflate"),
            ("Sec-WebSocket-Version", "13"),
            ("Origin", "http://www.example.com"),
        ];
        lines
            .into_iter()
            .filter(|(name, _)| !without.contains(name))
            .fold(Request::connect(uri).version(Version::HTTP_2), |r, (name, value)| r.header(name, value))
    }

    fn parse_connect(request: Builder) -> Result<UpgradeRequest, HandshakeError> {
        UpgradeRequest::parse(&request.body(()).unwrap().into_parts().0, HandshakeKind::ExtendedConnect)
    }

    const CHAT: &str = "https://server.example.com/chat";

    #[test]
    fn example_of_rfc_8441_section_5_1_is_valid() {
        let parsed = parse_connect(connect(CHAT, &[])).unwrap();
        assert!(matches!(parsed.acceptance, SuccessResponse::Ok));
        assert_eq!(parsed.offered.iter().collect::<Vec<_>>(), ["chat", "superchat"]);
    }

    #[test]
    fn connect_needs_no_key_and_ignores_any() {
        parse_connect(connect(CHAT, &[]).header("Sec-WebSocket-Key", "abc").header("Sec-WebSocket-Key", "d"))
            .unwrap();
    }

    #[test]
    fn host_must_name_the_same_host_as_the_authority() {
        for (uri, hosts, expected) in [
            (CHAT, &["server.example.com"][..], None),
            (CHAT, &["SERVER.example.com:443"], None),
            ("http://[::1]:80/", &["[::1]"], None),
            ("/chat", &["server.example.com"], None),
            (CHAT, &["other.example.com"], Some("Host is \"other.example.com\"")),
            (CHAT, &["server.example.com:80"], Some("Host is \"server.example.com:80\"")),
            (CHAT, &["a b"], Some("Host is \"a b\"")),
            (CHAT, &[""], Some("Host is \"\"")),
            (CHAT, &["server.example.com:"], None),
            (CHAT, &["server.example.com", "server.example.com"], Some("Host is repeated")),
            ("*", &["server.example.com"], Some("the request target is \"*\"")),
            ("https://user@a/", &[], Some("Host is \"user@a\"")),
            ("app://a/", &["A"], None),
            ("/chat", &[], Some("Host is missing")),
        ] {
            let request = hosts.iter().fold(connect(uri, &[]), |r, host| r.header("Host", *host));
            let error = parse_connect(request).err().map(|error| {
                assert_eq!(error.status(), StatusCode::BAD_REQUEST);
                error.to_string()
            });
            assert_eq!(error.is_some(), expected.is_some(), "{uri} {hosts:?} {error:?}");
            assert!(error.unwrap_or_default().contains(expected.unwrap_or_default()), "{uri} {hosts:?}");
        }
    }

    #[test]
    fn each_rule_that_a_connect_breaks_has_its_response() {
        let without_version = || connect(CHAT, &["Sec-WebSocket-Version"]);
        let cases = [
            (without_version(), true, "Version is missing"),
            (without_version().header("Sec-WebSocket-Version", "8"), true, "is \"8\""),
            (connect(CHAT, &[]).header("Sec-WebSocket-Version", "13"), true, "is repeated: \"13, 13\""),
            (connect(CHAT, &[]).header("Content-Length", "1"), false, "no body"),
            (connect(CHAT, &[]).header("Content-Length", "0"), false, "no body"),
        ];
        for (request, of_version, text) in cases {
            let response = parse_connect(request).unwrap_err().into_response();
            // Not 426, which must have an `Upgrade`, and HTTP/2 does not allow that.
            assert_eq!(response.status(), StatusCode::BAD_REQUEST);
            let headers = response.headers();
            assert_eq!(headers.get("Sec-WebSocket-Version").is_some(), of_version);
            assert!(!headers.contains_key("Upgrade") && !headers.contains_key("Connection"), "{headers:?}");
            let body = std::str::from_utf8(response.body().as_bytes().unwrap()).unwrap();
            assert!(body.contains(text), "{body:?} should contain {text:?}");
        }
    }
}
