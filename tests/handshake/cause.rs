//! What layers around the layer get to know of a refusal.

use std::{convert::Infallible, future::pending, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version, request::Builder};
use http_body_util::Full;
use tower::{Layer, service_fn};
use tower_websocket::{Config, Handshake, RefusalCause, Rejection, Shutdown, WebSocketUpgradeLayer};

use crate::request::{answer, upgradable, upgrade, upgrade_without};

async fn handshake(request: Request<Handshake>) -> Result<Response<()>, Rejection> {
    match request.uri().path() {
        "/rejected" => Err(StatusCode::CONFLICT.into()),
        "/panicked" => panic!("as asked"),
        "/timed_out" => pending().await,
        _ => Ok(request.into_body().accept(())),
    }
}

async fn cause(config: Config, request: Builder) -> Option<&'static str> {
    let layer = WebSocketUpgradeLayer::new(service_fn(handshake), async |_, ()| {}).with_config(config);
    let response = answer(layer.into_service(), upgradable(request.body(()).unwrap())).await;
    response.extensions().get::<RefusalCause>().map(|cause| cause.as_str())
}

#[tokio::test(start_paused = true)]
async fn a_refusal_names_its_cause() {
    for (request, expected) in [
        (upgrade("/").method("POST"), "method_not_get"),
        (upgrade_without("/", &["Sec-WebSocket-Version"]), "missing_version"),
        (upgrade_without("/", &["Sec-WebSocket-Key"]), "missing_key"),
        (upgrade_without("/", &["Host"]), "missing_host"),
        (upgrade("/").header("content-length", "5"), "body_announced"),
        (upgrade("/").header("origin", "https://evil.org"), "forbidden_origin"),
        (upgrade("/rejected"), "rejected"),
        (upgrade("/panicked"), "panicked"),
        (upgrade("/timed_out"), "timed_out"),
    ] {
        assert_eq!(
            cause(Config::new().handshake_timeout(Duration::from_secs(1)), request).await,
            Some(expected)
        );
    }
    assert_eq!(cause(Config::new().max_connections(0), upgrade("/")).await, Some("too_many_connections"));
    let shutdown = Shutdown::new();
    shutdown.start();
    assert_eq!(cause(Config::new().shutdown(&shutdown), upgrade("/")).await, Some("shutting_down"));
}

#[tokio::test]
async fn an_ordinary_request_to_a_service_of_its_own_has_a_cause() {
    let request = |method, version| Request::builder().method(method).version(version).uri("/");
    for (request, expected) in [
        (Request::get("/"), "not_web_socket"),
        (request("GET", Version::HTTP_10), "not_web_socket"),
        (request("GET", Version::HTTP_2), "method_not_connect"),
        (request("CONNECT", Version::HTTP_2), "unknown_protocol"),
    ] {
        assert_eq!(cause(Config::new(), request).await, Some(expected));
    }
}

#[tokio::test]
async fn what_the_layer_does_not_refuse_has_no_cause() {
    assert_eq!(cause(Config::new(), upgrade("/")).await, None);
    let layer = WebSocketUpgradeLayer::new(service_fn(handshake), async |_, ()| {});
    let inner = service_fn(async |_| Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())));
    let response = answer(layer.layer(inner), Request::get("/").body(()).unwrap()).await;
    assert!(response.extensions().get::<RefusalCause>().is_none());
}
