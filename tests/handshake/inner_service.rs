//! Other requests reach the inner service unchanged.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::upgrade::OnUpgrade;
use tower::{BoxError, Layer, ServiceExt, service_fn};
use tower_websocket::{AcceptAll, WebSocketUpgradeLayer};

use crate::{
    request::{answer, upgradable, upgrade, upgrade_without},
    server::echo_layer,
};

#[derive(Clone, Debug, PartialEq)]
struct Marker(&'static str);

/// Responds with everything that it has received.
async fn mirror(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let mut response = Response::new(Full::from(body.collect().await.unwrap().to_bytes()));
    *response.status_mut() = StatusCode::IM_A_TEAPOT;
    *response.headers_mut() = parts.headers;
    response.headers_mut().insert("x-line", format!("{} {}", parts.method, parts.uri).parse().unwrap());
    *response.extensions_mut() = parts.extensions;
    Ok(response)
}

#[tokio::test]
async fn ordinary_requests_reach_the_inner_service_unchanged() {
    let plain = Request::get("/a?b=c").header("x-own", "1");
    let post = Request::post("/form").header("content-type", "text/plain");
    let other_protocol = upgrade_without("/", &["Upgrade"]).header("upgrade", "h2c");
    let no_connection = upgrade_without("/", &["Connection"]);
    let no_upgrade = upgrade_without("/", &["Upgrade"]);
    let lookalike = upgrade_without("/", &["Connection"]).header("connection", "not-upgrade");
    let connect = Request::connect("server.example.com:80");
    let http_1_0 = upgrade("/").version(Version::HTTP_10);
    for request in [plain, post, other_protocol, no_connection, no_upgrade, lookalike, connect, http_1_0] {
        let mut request = upgradable(request.body(Full::from("the body")).unwrap());
        request.extensions_mut().insert(Marker("from outside"));
        let line = format!("{} {}", request.method(), request.uri());
        let headers = request.headers().clone();

        let service = echo_layer().layer(service_fn(mirror));
        let mut response = answer(service, request).await;

        assert_eq!(response.status(), StatusCode::IM_A_TEAPOT, "{line}");
        assert_eq!(response.body(), "the body", "{line}");
        assert_eq!(response.headers_mut().remove("x-line").unwrap(), line);
        assert_eq!(response.headers(), &headers, "{line}");
        assert_eq!(response.extensions().get(), Some(&Marker("from outside")), "{line}");
        assert!(response.extensions().get::<OnUpgrade>().is_some(), "{line}");
    }
}

#[tokio::test]
async fn websocket_request_never_reaches_the_inner_service() {
    let inner = service_fn(async |_: Request<()>| -> Result<Response<Full<Bytes>>, Infallible> {
        panic!("the inner service is called")
    });
    let service = echo_layer().layer(inner);
    for (uri, status) in [("/", StatusCode::SWITCHING_PROTOCOLS), ("/?refuse", StatusCode::FORBIDDEN)] {
        let request = upgradable(upgrade(uri).body(()).unwrap());
        assert_eq!(answer(service.clone(), request).await.status(), status);
    }
}

#[tokio::test]
async fn inner_errors_pass_through() {
    #[derive(Debug, PartialEq)]
    struct Broken;
    let service =
        echo_layer().layer(service_fn(async |_: Request<()>| Err::<Response<Full<Bytes>>, _>(Broken)));
    assert_eq!(service.oneshot(Request::new(())).await.unwrap_err(), Broken);
}

#[tokio::test]
async fn filter_passes_websocket_requests_to_the_inner_service() {
    let layer = echo_layer().filter(|parts| {
        parts.uri.path() == "/ours" && parts.headers["host"] == "server.example.com" && parts.method == "GET"
    });
    let service = layer.layer(service_fn(mirror));
    let ask = async |uri| {
        let mut request = upgradable(upgrade(uri).body(Full::from("the body")).unwrap());
        request.extensions_mut().insert(Marker("from outside"));
        answer(service.clone(), request).await
    };

    assert_eq!(ask("/ours").await.status(), StatusCode::SWITCHING_PROTOCOLS);
    let theirs = ask("/theirs").await;
    assert_eq!(theirs.status(), StatusCode::IM_A_TEAPOT);
    assert_eq!(theirs.body(), "the body");
    assert_eq!(theirs.extensions().get(), Some(&Marker("from outside")));
    assert!(theirs.extensions().get::<OnUpgrade>().is_some());
}

#[tokio::test]
async fn filter_is_not_called_for_ordinary_requests() {
    let layer = echo_layer().filter(|parts| panic!("asked about {}", parts.uri));
    let response = answer(layer.layer(service_fn(mirror)), Request::get("/").body(Full::default()).unwrap());
    assert_eq!(response.await.status(), StatusCode::IM_A_TEAPOT);
}

#[tokio::test]
async fn two_layers_share_one_stack() {
    let named = |name: &'static str| {
        WebSocketUpgradeLayer::new(
            service_fn(async move |request: Request<tower_websocket::Handshake>| {
                let mut handshake = request.into_body();
                handshake.response_mut().headers_mut().insert("x-name", name.parse().unwrap());
                Ok::<_, BoxError>(handshake.accept(()))
            }),
            async |_, ()| {},
        )
        .filter(move |parts| parts.uri.path() == name)
    };
    let service = named("/a").layer(named("/b").layer(service_fn(mirror)));
    for name in ["/a", "/b"] {
        let request = upgradable(upgrade(name).body(Full::default()).unwrap());
        assert_eq!(answer(service.clone(), request).await.headers()["x-name"], name);
    }
    let request = upgradable(upgrade("/c").body(Full::default()).unwrap());
    assert_eq!(answer(service, request).await.status(), StatusCode::IM_A_TEAPOT);
}

#[tokio::test]
async fn layer_without_an_inner_service_responds_with_426() {
    let service = WebSocketUpgradeLayer::new(AcceptAll, async |_, ()| {}).into_service();
    for (request, text) in [
        (Request::get("/"), "upgrade required"),
        (Request::post("/form"), "upgrade required"),
        (upgrade("/").version(Version::HTTP_10), "nginx needs proxy_http_version 1.1"),
    ] {
        let response = answer(service.clone(), upgradable(request.body(()).unwrap())).await;
        assert_eq!(response.status(), StatusCode::UPGRADE_REQUIRED);
        assert_eq!(response.headers()["upgrade"], "websocket");
        assert_eq!(response.headers()["connection"], "upgrade");
        assert_eq!(response.headers()["sec-websocket-version"], "13");
        assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
        assert!(response.body().contains(text), "{:?}", response.body());
    }
}
