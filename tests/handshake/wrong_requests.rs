//! A request that asks for a WebSocket in a wrong way is answered by the layer (RFC 6455 §4.2.1).

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use http::{Request, Response, StatusCode, request::Builder};
use tower::service_fn;
use tower_websocket::{AllowOrigin, Config, Handshake, Rejection, WebSocketUpgradeLayer};

use crate::{
    request::{answer, upgradable, upgrade, upgrade_without},
    server::echo_layer,
};

#[tokio::test]
async fn each_wrong_request_has_its_answer() {
    let versions = upgrade_without("/", &["Sec-WebSocket-Version"]);
    let keys = |key| upgrade_without("/", &["Sec-WebSocket-Key"]).header("sec-websocket-key", key);
    let cases: Vec<(Builder, StatusCode, &str)> = vec![
        (upgrade("/").method("POST"), StatusCode::METHOD_NOT_ALLOWED, "GET, not POST"),
        (upgrade("/").method("HEAD"), StatusCode::METHOD_NOT_ALLOWED, "GET, not HEAD"),
        (versions, StatusCode::UPGRADE_REQUIRED, "Sec-WebSocket-Version is missing"),
        (
            upgrade_without("/", &["Sec-WebSocket-Version"]).header("sec-websocket-version", "8"),
            StatusCode::UPGRADE_REQUIRED,
            "is \"8\"",
        ),
        (upgrade_without("/", &["Sec-WebSocket-Key"]), StatusCode::BAD_REQUEST, "Key is missing"),
        (keys("abc"), StatusCode::BAD_REQUEST, "Key is \"abc\""),
        (
            upgrade("/").header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="),
            StatusCode::BAD_REQUEST,
            "Key is repeated",
        ),
        (upgrade_without("/", &["Host"]), StatusCode::BAD_REQUEST, "Host is missing"),
        (upgrade("/").header("host", "other.example.com"), StatusCode::BAD_REQUEST, "Host is repeated"),
        (upgrade("/").header("content-length", "5"), StatusCode::BAD_REQUEST, "no body"),
        (upgrade("/").header("transfer-encoding", "chunked"), StatusCode::BAD_REQUEST, "no body"),
        (upgrade("/").header("origin", "https://evil.org"), StatusCode::FORBIDDEN, "https://evil.org"),
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

#[tokio::test]
async fn a_server_that_cannot_upgrade_is_500_without_a_text() {
    let response = answer(echo_layer().into_service(), upgrade("/").body(()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.body(), "");
}

#[tokio::test]
async fn what_is_wrong_with_the_request_comes_before_what_is_wrong_with_the_server() {
    let request = upgrade_without("/", &["Sec-WebSocket-Key"]).body(()).unwrap();
    let response = answer(echo_layer().into_service(), request).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn origins_are_the_same_or_as_the_policy_says() {
    let list = || AllowOrigin::list(["https://friend.org"]);
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
