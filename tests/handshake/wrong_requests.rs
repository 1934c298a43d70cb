//! The layer responds to malformed WebSocket requests (RFC 6455 §4.2.1).

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use http::{Request, Response, StatusCode, request::Builder};
use tokio::io::duplex;
use tower::service_fn;
use tower_websocket::{
    AcceptAll, Acceptor, AllowOrigin, Config, Handshake, Rejection, WebSocketUpgradeLayer,
};

use crate::{
    request::{answer, upgradable, upgrade, upgrade_without},
    server::echo_layer,
    wire::{Wire, head, soon},
};

#[tokio::test]
async fn each_wrong_request_has_its_response() {
    let versions = upgrade_without("/", &["Sec-WebSocket-Version"]);
    let keys = |key| upgrade_without("/", &["Sec-WebSocket-Key"]).header("sec-websocket-key", key);
    let hosts = |host| upgrade_without("/", &["Host"]).header("host", host);
    let cases: Vec<(Builder, StatusCode, &str)> = vec![
        (upgrade("/").method("POST"), StatusCode::METHOD_NOT_ALLOWED, "GET, not POST"),
        (upgrade("/").method("HEAD"), StatusCode::METHOD_NOT_ALLOWED, "GET, not HEAD"),
        (versions, StatusCode::UPGRADE_REQUIRED, "Sec-WebSocket-Version is missing, it must be 13"),
        (
            upgrade_without("/", &["Sec-WebSocket-Version"]).header("sec-websocket-version", "8"),
            StatusCode::UPGRADE_REQUIRED,
            "Sec-WebSocket-Version is \"8\", it must be 13",
        ),
        (
            upgrade("/").header("sec-websocket-version", "13"),
            StatusCode::UPGRADE_REQUIRED,
            "Sec-WebSocket-Version is repeated: \"13, 13\", it must occur once",
        ),
        (
            upgrade_without("/", &["Sec-WebSocket-Key"]),
            StatusCode::BAD_REQUEST,
            "Sec-WebSocket-Key is missing, it must be 16 bytes in base64",
        ),
        (keys("abc"), StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is \"abc\", it must be 16 bytes in base64"),
        (
            keys("abc").header("sec-websocket-key", "d"),
            StatusCode::BAD_REQUEST,
            "Sec-WebSocket-Key is repeated: \"abc, d\", it must occur once",
        ),
        (upgrade_without("/", &["Host"]), StatusCode::BAD_REQUEST, "Host is missing, it must occur once"),
        (
            upgrade("/").header("host", "other.example.com"),
            StatusCode::BAD_REQUEST,
            "Host is repeated: \"server.example.com, other.example.com\", it must occur once",
        ),
        (hosts(""), StatusCode::BAD_REQUEST, "Host is \"\", it must be a host and an optional port"),
        (hosts("a b"), StatusCode::BAD_REQUEST, "Host is \"a b\", it must be a host and an optional port"),
        (hosts("a/b"), StatusCode::BAD_REQUEST, "Host is \"a/b\""),
        (hosts("user@host"), StatusCode::BAD_REQUEST, "Host is \"user@host\""),
        (hosts("host:80x"), StatusCode::BAD_REQUEST, "Host is \"host:80x\""),
        (hosts("host:99999"), StatusCode::BAD_REQUEST, "Host is \"host:99999\""),
        (hosts("::1:9001"), StatusCode::BAD_REQUEST, "Host is \"::1:9001\""),
        (hosts("[::1"), StatusCode::BAD_REQUEST, "Host is \"[::1\""),
        (upgrade("foo"), StatusCode::BAD_REQUEST, "the request target is \"foo\", it must be a path"),
        (upgrade("foo:80"), StatusCode::BAD_REQUEST, "the request target is \"foo:80\", it must be a path"),
        (upgrade("*"), StatusCode::BAD_REQUEST, "the request target is \"*\", it must be a path"),
        (upgrade("http://user@host/"), StatusCode::BAD_REQUEST, "Host is \"user@host\""),
        (upgrade("/").header("content-length", "5"), StatusCode::BAD_REQUEST, "no body"),
        (upgrade("/").header("transfer-encoding", "chunked"), StatusCode::BAD_REQUEST, "no body"),
        (
            upgrade("/").header("origin", "https://evil.org"),
            StatusCode::FORBIDDEN,
            "the origin \"https://evil.org\" is not allowed at the host \"server.example.com\", \
             see Config::allow_origin",
        ),
        (
            upgrade("/").header("origin", "https://a").header("origin", "https://b"),
            StatusCode::FORBIDDEN,
            "Origin is repeated: \"https://a, https://b\", it may occur at most once",
        ),
    ];
    let asked = Arc::new(AtomicBool::new(false));
    let service = {
        let asked = Arc::clone(&asked);
        let handshake = service_fn(move |request: Request<Handshake>| {
            asked.store(true, Ordering::Relaxed);
            async move { Ok::<_, Rejection>(request.into_body().accept(())) }
        });
        WebSocketUpgradeLayer::new(handshake, async |_, ()| {}).into_service()
    };
    for (request, status, text) in cases {
        let response = answer(service.clone(), upgradable(request.body(()).unwrap())).await;
        assert_eq!(response.status(), status, "{text}");
        assert!(response.body().contains(text), "{:?} should contain {text:?}", response.body());
        assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
        let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap());
        let is_405 = status == StatusCode::METHOD_NOT_ALLOWED;
        assert_eq!(header("allow"), is_405.then_some("GET"), "{text}");
        let is_426 = status == StatusCode::UPGRADE_REQUIRED;
        assert_eq!(header("sec-websocket-version"), is_426.then_some("13"), "{text}");
        assert_eq!(header("upgrade"), is_426.then_some("websocket"), "{text}");
        assert!(!asked.load(Ordering::Relaxed), "the handshake service is asked though {text}");
    }
    let good = answer(service, upgradable(upgrade("/").body(()).unwrap())).await;
    assert_eq!(good.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert!(asked.load(Ordering::Relaxed));
}

/// As bytes, so that no server has parsed them before.
#[tokio::test]
async fn each_wrong_head_has_its_response_on_a_raw_stream() {
    let good = head("/");
    let host = |host: &str| good.replace("server.example.com", host);
    let cases = [
        (host("a b"), 400, "Host is \"a b\", it must be a host and an optional port"),
        (host("host:80x"), 400, "Host is \"host:80x\""),
        (host("::1:9001"), 400, "Host is \"::1:9001\""),
        (host(""), 400, "Host is \"\""),
        (head("foo"), 400, "the request target is \"foo\", it must be a path"),
        (head("*"), 400, "the request target is \"*\", it must be a path"),
        (
            good.replace("HTTP/1.1", "HTTP/1.0"),
            426,
            "the request is HTTP/1.0, it must be HTTP/1.1 (nginx needs proxy_http_version 1.1)",
        ),
        (
            good.replace("Upgrade: websocket\r\n", ""),
            426,
            "Upgrade is missing, it must be websocket (a proxy must forward it)",
        ),
        (
            good.replace("Upgrade: websocket", "Upgrade: h2c"),
            426,
            "Upgrade is \"h2c\", it must contain websocket",
        ),
        (
            good.replace("Connection: Upgrade\r\n", ""),
            426,
            "Connection is missing, it must be upgrade (a proxy must forward it)",
        ),
        (
            good.replace("Connection: Upgrade", "Connection: keep-alive\r\nConnection: x"),
            426,
            "Connection is \"keep-alive, x\", it must contain upgrade",
        ),
        // nginx changes the request to this by default.
        (
            good.replace("HTTP/1.1", "HTTP/1.0")
                .replace("Upgrade: websocket\r\nConnection: Upgrade", "Connection: close"),
            426,
            "the request is HTTP/1.0, it must be HTTP/1.1 (nginx needs proxy_http_version 1.1); \
             Upgrade is missing, it must be websocket (a proxy must forward it); \
             Connection is \"close\", it must contain upgrade",
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            426,
            "this resource is a WebSocket: upgrade required",
        ),
    ];
    for (bytes, status, text) in cases {
        let (client, server) = duplex(4096);
        let mut wire = Wire::new(client);
        wire.send(&bytes).await;
        let accepted = soon(Acceptor::new(AcceptAll).accept(server)).await;
        let error = accepted.err().unwrap_or_else(|| panic!("{bytes} is accepted"));
        error.respond().await.unwrap();
        let response = wire.response().await;
        assert_eq!(response.status(), status, "{text}");
        assert!(response.body().starts_with(text), "{:?} should be {text:?}", response.body());
    }
}

#[tokio::test]
async fn hosts_and_targets_of_all_forms_are_accepted() {
    for host in ["a", "A.example:8080", "127.0.0.1:9001", "[::1]", "[::1]:9001", "my_service:80", "a."] {
        let request = upgradable(upgrade_without("/", &["Host"]).header("host", host).body(()).unwrap());
        let response = answer(echo_layer().into_service(), request).await;
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS, "{host}");
    }
    for target in ["/", "/a?b", "http://server.example.com/", "ws://other.example.com:8080"] {
        let request = upgradable(upgrade(target).body(()).unwrap());
        let response = answer(echo_layer().into_service(), request).await;
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS, "{target}");
    }
}

#[tokio::test]
async fn server_that_cannot_upgrade_is_500_without_a_text() {
    let response = answer(echo_layer().into_service(), upgrade("/").body(()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.body(), "");
}

#[tokio::test]
async fn request_errors_are_reported_before_server_errors() {
    let request = upgrade_without("/", &["Sec-WebSocket-Key"]).body(()).unwrap();
    let response = answer(echo_layer().into_service(), request).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn origins_are_the_same_or_allowed_by_the_policy() {
    let list = || AllowOrigin::list(["https://friend.org"]).unwrap();
    let secure = || AllowOrigin::predicate(|origin, _| origin.as_bytes().starts_with(b"https:"));
    let cases: Vec<(Option<AllowOrigin>, Option<&str>, StatusCode)> = vec![
        (None, None, StatusCode::SWITCHING_PROTOCOLS),
        (None, Some("https://server.example.com"), StatusCode::SWITCHING_PROTOCOLS),
        (None, Some("https://evil.org"), StatusCode::FORBIDDEN),
        (None, Some("null"), StatusCode::FORBIDDEN),
        (Some(AllowOrigin::any()), Some("null"), StatusCode::SWITCHING_PROTOCOLS),
        (Some(list()), Some("https://friend.org"), StatusCode::SWITCHING_PROTOCOLS),
        (Some(list()), Some("https://server.example.com"), StatusCode::FORBIDDEN),
        (Some(list()), None, StatusCode::SWITCHING_PROTOCOLS),
        (Some(secure()), Some("https://evil.org"), StatusCode::SWITCHING_PROTOCOLS),
        (Some(secure()), Some("http://evil.org"), StatusCode::FORBIDDEN),
    ];
    for (policy, origin, status) in cases {
        let case = format!("{policy:?} {origin:?}");
        let config = policy.into_iter().fold(Config::new(), Config::allow_origin);
        let service = echo_layer().with_config(config).into_service();
        let request =
            origin.into_iter().fold(upgrade("/"), |request, origin| request.header("origin", origin));
        let response: Response<String> = answer(service, upgradable(request.body(()).unwrap())).await;
        assert_eq!(response.status(), status, "{case}");
    }
}
