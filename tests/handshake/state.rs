//! Handshake services with state.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http::{Request, Response, StatusCode};
use tower::ServiceBuilder;
use tower_websocket::{Handshake, Rejection, WebSocketUpgradeLayer, handshake_fn};

use crate::request::{answer, answer_upgrade, upgradable, upgrade};

async fn function(limit: usize, request: Request<Handshake>) -> Result<Response<usize>, Rejection> {
    let length = request.uri().path().len();
    if length > limit {
        return Err((StatusCode::URI_TOO_LONG, "too long").into());
    }
    Ok(request.into_body().accept(length))
}

#[tokio::test]
async fn function_is_called_with_the_state_and_the_request() {
    let service = WebSocketUpgradeLayer::new(handshake_fn(5, function), async |_, _| {}).into_service();
    assert_eq!(answer_upgrade(service.clone()).await.status(), StatusCode::SWITCHING_PROTOCOLS);
    let long = upgradable(upgrade("/too-long").body(()).unwrap());
    let response = answer(service, long).await;
    assert_eq!((response.status(), &**response.body()), (StatusCode::URI_TOO_LONG, "too long"));
}

#[tokio::test]
async fn async_closure_infers_its_types_and_its_error() {
    let calls = Arc::new(AtomicUsize::new(0));
    let handshake = handshake_fn(Arc::clone(&calls), async |calls, request| {
        calls.fetch_add(1, Ordering::Relaxed);
        let key = request.headers().get("x-key").ok_or(StatusCode::UNAUTHORIZED)?;
        let key = key.to_str().map_err(|_| (StatusCode::BAD_REQUEST, "not ASCII"))?.to_owned();
        Ok(request.into_body().accept(key))
    });
    let handshake = ServiceBuilder::new().concurrency_limit(1).service(handshake);
    let service = WebSocketUpgradeLayer::new(handshake, async |_, _: String| {}).into_service();
    assert_eq!(answer_upgrade(service.clone()).await.status(), StatusCode::UNAUTHORIZED);
    let with_key = upgradable(upgrade("/").header("x-key", "1").body(()).unwrap());
    assert_eq!(answer(service, with_key).await.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}
