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
    for host in
        ["", "a b", "a/b", "user@host", "host:80x", "::1:9001", "::1", "[::1", "a,b c", "a:65536", "a:80:80"]
    {
        let error = parse(request(&["Host"]).header("Host", host)).unwrap_err();
        assert_eq!(error.status(), StatusCode::BAD_REQUEST);
        assert_eq!(error.to_string(), format!("Host is {host:?}, it must be a host and an optional port"));
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

/// RFC 6455 §9.1. Compression does not matter.
#[test]
fn extensions_must_have_valid_syntax() {
    let with = |line| parse(request(&[]).header("Sec-WebSocket-Extensions", line));
    for line in ["", " , ", "unknown; x; y=1, permessage-deflate", "x;y=\"1\""] {
        with(line).unwrap();
    }
    for line in ["permessage-deflate; =", "(bad)", "x; y=\"1", "x; y=\"\"", "x y", "x;", "x; y=1, ;", "x, y="]
    {
        let error = with(line).unwrap_err();
        assert_eq!(error.status(), StatusCode::BAD_REQUEST, "{line}");
        let value = format!("{line:?}");
        assert!(error.to_string().starts_with(&format!("Sec-WebSocket-Extensions is {value}, ")), "{error}");
    }
}
