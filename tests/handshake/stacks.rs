//! The layer among other layers.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    http::{HeaderName, HeaderValue},
    middleware::{Next, from_fn},
    response::IntoResponse,
    routing::get,
};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use tower::{ServiceBuilder, service_fn};
use tower_http::{
    request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    set_header::SetResponseHeaderLayer,
    validate_request::ValidateRequestHeaderLayer,
};
use tower_websocket::Message;

use crate::{
    server::{echo_layer, in_memory},
    wire::{Wire, head, soon},
};

#[derive(Clone)]
struct Seven;

impl MakeRequestId for Seven {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        Some(RequestId::new(HeaderValue::from_static("7")))
    }
}

async fn assert_echoes<IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin>(wire: Wire<IO>) {
    let mut socket = wire.into_websocket().await;
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(soon(socket.next()).await.unwrap().unwrap().to_text().unwrap(), "hello");
}

#[tokio::test]
async fn outer_layers_see_the_101_and_change_it() {
    let id = HeaderName::from_static("x-request-id");
    let server = HeaderValue::from_static("outer");
    let stack = ServiceBuilder::new()
        .layer(SetRequestIdLayer::new(id.clone(), Seven))
        .layer(PropagateRequestIdLayer::new(id))
        .layer(SetResponseHeaderLayer::overriding(HeaderName::from_static("server"), server))
        .layer(echo_layer())
        .service_fn(async |_: Request<Incoming>| {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        });
    let mut wire = in_memory(stack);
    wire.send(head("/")).await;
    let response = wire.response().await;
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()["x-request-id"], "7");
    assert_eq!(response.headers()["server"], "outer");
    assert_echoes(wire).await;
}

#[tokio::test]
async fn outer_layer_rejects_before_the_handshake() {
    let stack = ServiceBuilder::new()
        .layer(ValidateRequestHeaderLayer::has_header_value("x-token", "secret").unwrap())
        .map_response(|response: Response<_>| response.map(axum::body::Body::new))
        .layer(echo_layer())
        .service_fn(async |_: Request<Incoming>| {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        });
    let mut wire = in_memory(stack);
    wire.send(head("/")).await;
    assert_eq!(wire.response().await.status(), StatusCode::FORBIDDEN);
    wire.send(head("/").replace("Host:", "X-Token: secret\r\nHost:")).await;
    assert_eq!(wire.response().await.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_echoes(wire).await;
}

#[tokio::test]
async fn inner_layers_do_not_see_a_websocket_request() {
    let stack = ServiceBuilder::new()
        .layer(echo_layer())
        .layer(SetResponseHeaderLayer::overriding(
            HeaderName::from_static("x-inner"),
            HeaderValue::from_static("1"),
        ))
        .service(service_fn(async |_: Request<Incoming>| {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }));
    let mut wire = in_memory(stack);
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(wire.response().await.headers()["x-inner"], "1");
    wire.send(head("/")).await;
    assert!(!wire.response().await.headers().contains_key("x-inner"));
    assert_echoes(wire).await;
}

#[tokio::test(start_paused = true)]
async fn outer_timeout_ends_the_request_but_not_the_socket() {
    let stack = ServiceBuilder::new().timeout(Duration::from_secs(1)).layer(echo_layer()).service_fn(
        async |_: Request<Incoming>| Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())),
    );
    let mut wire = in_memory(stack);
    wire.send(head("/")).await;
    assert_eq!(wire.response().await.status(), StatusCode::SWITCHING_PROTOCOLS);
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_echoes(wire).await;
}

#[tokio::test]
async fn axum_middleware_and_nested_routers_work() {
    async fn mark(request: axum::extract::Request, next: Next) -> impl IntoResponse {
        ([("x-mark", "1")], next.run(request).await)
    }
    let api = Router::new().route("/page", get(async || "page")).layer(echo_layer());
    let app = Router::new().nest("/api", api).layer(from_fn(mark));
    let mut wire = in_memory(app);
    wire.send("GET /api/page HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(wire.response().await.body(), "page");
    wire.send(head("/api/page")).await;
    let response = wire.response().await;
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()["x-mark"], "1");
    assert_echoes(wire).await;
}
