//! The opening handshake alone: from a request to the response, without a socket.
//!
//! It is compared with tungstenite's `create_response`, which checks and answers the same request,
//! but has no origin check, subprotocols or limits, and does not take over the connection.

use std::hint::black_box;

use criterion::{BatchSize, Criterion};
use http::{Request, Response, StatusCode};
use tokio::runtime::Builder;
use tower::{ServiceExt, service_fn};
use tower_websocket::{
    Handshake, Rejection, WebSocket, WebSocketUpgradeLayer, tungstenite::handshake::server::create_response,
};

/// Returns the request of a browser.
fn request() -> Request<()> {
    let mut request = Request::get("/chat")
        .header("Host", "server.example.com")
        .header("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
        .header("Accept", "*/*")
        .header("Accept-Language", "en-US,en;q=0.5")
        .header("Accept-Encoding", "gzip, deflate, br, zstd")
        .header("Sec-WebSocket-Version", "13")
        .header("Origin", "http://server.example.com")
        .header("Sec-WebSocket-Extensions", "permessage-deflate")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("Connection", "keep-alive, Upgrade")
        .header("Cache-Control", "no-cache")
        .header("Upgrade", "websocket")
        .body(())
        .expect("valid");
    // hyper marks upgradable requests like this. Here the upgrade never happens.
    request.extensions_mut().insert(hyper::upgrade::on(Request::new(())));
    request
}

async fn accept(request: Request<Handshake>) -> Result<Response<()>, Rejection> {
    Ok(request.into_body().accept(()))
}

async fn handler(_: WebSocket, (): ()) {}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    handshake(&mut criterion);
    criterion.final_summary();
}

fn handshake(c: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let service = WebSocketUpgradeLayer::new(service_fn(accept), handler).into_service();
    let mut group = c.benchmark_group("handshake");
    group.bench_function("tower-websocket", |b| {
        b.to_async(&runtime).iter_batched(
            || (service.clone(), request()),
            async |(service, request)| {
                let response = service.oneshot(request).await.expect("infallible");
                assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
                response
            },
            BatchSize::SmallInput,
        );
    });
    group.bench_function("tungstenite, the response alone", |b| {
        b.iter_batched(
            request,
            |request| create_response(black_box(&request)).expect("valid"),
            BatchSize::SmallInput,
        );
    });
    group.finish();
}
