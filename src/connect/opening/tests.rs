use http::{HeaderValue, Request, request::Builder};

use super::{Opening, RequestError};
use crate::deflate::Settings;

fn open(request: Builder, protocols: &[&'static str]) -> Result<Opening, RequestError> {
    let protocols: Vec<_> = protocols.iter().map(|name| HeaderValue::from_static(name)).collect();
    let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
    Opening::upgrade(request.body(()).unwrap(), key, &protocols, &Settings::default())
}

fn head(request: Builder, protocols: &[&'static str]) -> String {
    String::from_utf8(open(request, protocols).unwrap().encode(true)).unwrap()
}

/// RFC 6455 §1.2.
#[test]
fn request_is_the_example_of_rfc_6455() {
    let request = Request::get("ws://server.example.com/chat").header("origin", "http://example.com");
    let expected = "GET /chat HTTP/1.1\r\n\
        Host: server.example.com\r\n\
        Connection: Upgrade\r\n\
        Upgrade: websocket\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Origin: http://example.com\r\n\
        Sec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Protocol: chat, superchat\r\n\r\n";
    assert_eq!(head(request, &["chat", "superchat"]), expected);
}

#[test]
fn target_is_a_path_and_host_is_from_the_header_or_the_uri() {
    for (uri, header, target, host) in [
        ("ws://a", None, "/", "a"),
        ("wss://a:8443/b?c", None, "/b?c", "a:8443"),
        ("http://user:secret@a:1/?q", None, "/?q", "a:1"),
        ("https://[::1]:80/x", None, "/x", "[::1]:80"),
        ("ws://a?b=c", None, "/?b=c", "a"),
        ("a:80", None, "/", "a:80"),
        ("/x", Some("b"), "/x", "b"),
        ("ws://a/x", Some("b:1"), "/x", "b:1"),
    ] {
        let request = header.into_iter().fold(Request::get(uri), |r, host| r.header("host", host));
        let head = head(request, &[]);
        assert!(head.starts_with(&format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n")), "{uri}: {head}");
    }
}

#[test]
fn headers_of_the_connection_and_of_the_handshake_are_replaced() {
    let request = Request::get("ws://a/")
        .header("connection", "keep-alive, x-hop")
        .header("x-hop", "1")
        .header("upgrade", "h2c")
        .header("transfer-encoding", "chunked")
        .header("content-length", "5")
        .header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==")
        .header("sec-websocket-version", "8")
        .header("sec-websocket-extensions", "x")
        .header("sec-websocket-accept", "x")
        .header("sec-websocket-protocol", "first")
        .header("cookie", "kept=1");
    let expected = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: first, second\r\n\
        Cookie: kept=1\r\nSec-WebSocket-Version: 13\r\n\r\n";
    assert_eq!(head(request, &["second"]), expected);
}

#[test]
fn header_without_a_subprotocol_is_removed() {
    let request = || Request::get("ws://a/").header("sec-websocket-protocol", " ,");
    assert!(!head(request(), &[]).contains("Protocol"));
    assert!(head(request(), &["first"]).contains("\r\nSec-WebSocket-Protocol: first\r\n"));
}

#[test]
fn invalid_request_is_not_sent() {
    for (request, text) in [
        (Request::post("ws://a/"), "the request method is POST, it must be GET"),
        (Request::get("/"), "the request has neither a host in its URI nor a Host header"),
        (Request::get("*").header("host", "a"), "the request URI is \"*\", it must have a path"),
        (
            Request::get("/").header("host", "a").header("host", "b"),
            "the Host header is repeated: \"a, b\", it must occur at most once",
        ),
        (
            Request::get("/").header("host", "a b"),
            "the request host is \"a b\", it must be a host and an optional port",
        ),
        (Request::get("/").header("host", ""), "the request host is \"\""),
    ] {
        let error = open(request, &[]).unwrap_err().to_string();
        assert!(error.starts_with(text), "{error}");
    }
}
