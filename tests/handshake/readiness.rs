//! tower's rule: a service may be called only after it was ready, and a clone of a ready service is
//! not ready.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer, Service, ServiceExt};
use tower_websocket::{AcceptAll, Handshake, WebSocketUpgradeLayer};

use crate::{
    request::{answer, answer_upgrade},
    server::echo_layer,
};

/// Panics if it is called without having been ready.
#[derive(Debug, Default)]
struct Strict {
    is_ready: bool,
    calls: Arc<AtomicUsize>,
}

impl Strict {
    fn poll(&mut self) -> Poll<Result<(), Infallible>> {
        self.is_ready = true;
        Poll::Ready(Ok(()))
    }

    fn take(&mut self) {
        assert!(std::mem::take(&mut self.is_ready), "called without having been ready");
        self.calls.fetch_add(1, Ordering::Relaxed);
    }
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Self { is_ready: false, calls: Arc::clone(&self.calls) }
    }
}

impl Service<Request<()>> for Strict {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.poll()
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        self.take();
        ready(Ok(Response::default()))
    }
}

impl Service<Request<Handshake>> for Strict {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.poll()
    }

    fn call(&mut self, request: Request<Handshake>) -> Self::Future {
        self.take();
        ready(Ok(request.into_body().accept(())))
    }
}

#[tokio::test]
async fn ready_service_is_the_one_that_is_called() {
    let mut service = echo_layer().layer(Strict::default());
    for _ in 0..2 {
        ServiceExt::<Request<()>>::ready(&mut service).await.unwrap();
        // A clone would not be ready.
        let _clone = service.clone();
        assert_eq!(service.call(Request::new(())).await.unwrap().status(), StatusCode::OK);
    }
    assert_eq!(service.get_ref().calls.load(Ordering::Relaxed), 2);
}

#[tokio::test]
#[should_panic(expected = "called without having been ready")]
async fn mock_notices_a_call_without_readiness() {
    let _ = echo_layer().layer(Strict::default()).call(Request::new(())).await;
}

#[tokio::test]
async fn handshake_service_is_ready_when_it_is_called() {
    let handshake = Strict::default();
    let calls = Arc::clone(&handshake.calls);
    let service = WebSocketUpgradeLayer::new(handshake, async |_, ()| {}).into_service();
    for call in 1..=3 {
        // A panic in it would be a 500.
        assert_eq!(answer_upgrade(service.clone()).await.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(calls.load(Ordering::Relaxed), call);
    }
}

/// The result of each poll for readiness.
#[derive(Clone, Debug)]
struct Gate(Poll<Result<(), &'static str>>);

impl Service<Request<()>> for Gate {
    type Response = Response<Full<Bytes>>;
    type Error = &'static str;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Response::default()))
    }
}

#[tokio::test]
async fn readiness_comes_from_the_inner_service() {
    for readiness in [Poll::Pending, Poll::Ready(Ok(())), Poll::Ready(Err("broken"))] {
        let mut service = echo_layer().layer(Gate(readiness));
        let polled =
            Service::<Request<()>>::poll_ready(&mut service, &mut Context::from_waker(Waker::noop()));
        assert_eq!(polled, readiness);
    }
}

#[tokio::test]
async fn inner_service_is_accessible() {
    let mut service = WebSocketUpgradeLayer::new(AcceptAll, async |_, ()| {}).layer(Gate(Poll::Pending));
    assert_eq!(service.get_ref().0, Poll::Pending);
    service.get_mut().0 = Poll::Ready(Ok(()));
    assert_eq!(answer(service.clone(), Request::new(())).await.status(), StatusCode::OK);
    assert_eq!(service.into_inner().0, Poll::Ready(Ok(())));
}
