//! What layers around the layer get to know of a refusal.

use std::{future::pending, time::Duration};

use http::{Request, Response, StatusCode, request::Builder};
use tower::service_fn;
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
async fn what_is_no_refusal_has_none() {
    assert_eq!(cause(Config::new(), upgrade("/")).await, None);
    assert_eq!(cause(Config::new(), Request::get("/")).await, None);
}
