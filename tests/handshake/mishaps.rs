//! A handshake service that hangs or panics fails only its own request.

use std::{
    convert::Infallible,
    future::{Pending, pending},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::StreamExt;
use http::{Request, Response, StatusCode};
use tokio::time::Instant;
use tower::{Service, service_fn};
use tower_websocket::{AllowOrigin, Config, Handshake, Rejection, WebSocketUpgradeLayer};

use crate::{
    request::{answer, answer_upgrade, upgradable, upgrade},
    server::in_memory,
    wire::{head, soon},
};

#[tokio::test(start_paused = true)]
async fn slow_handshake_service_times_out_with_503() {
    for (config, limit) in [(Config::new(), 10), (Config::new().handshake_timeout(Duration::from_secs(3)), 3)]
    {
        let gone = Arc::new(AtomicBool::new(false));
        let handshake = {
            let gone = Arc::clone(&gone);
            service_fn(move |_: Request<Handshake>| {
                let guard = Guard(Arc::clone(&gone));
                async move {
                    let _guard = guard;
                    pending::<Result<Response<()>, Rejection>>().await
                }
            })
        };
        let layer = WebSocketUpgradeLayer::new(handshake, async |_, ()| {}).with_config(config);
        let start = Instant::now();
        let response = answer_upgrade(layer.into_service()).await;
        assert_eq!((response.status(), response.body().as_str()), (StatusCode::SERVICE_UNAVAILABLE, ""));
        assert_eq!(start.elapsed().as_secs(), limit);
        assert!(gone.load(Ordering::Relaxed), "the future was not dropped");
    }
}

/// Records that it was dropped.
struct Guard(Arc<AtomicBool>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Never ready, or panics when it is polled for readiness.
#[derive(Clone)]
struct Unready {
    panics: bool,
}

impl Service<Request<Handshake>> for Unready {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Pending<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        assert!(!self.panics, "a panic in poll_ready");
        Poll::Pending
    }

    fn call(&mut self, _: Request<Handshake>) -> Self::Future {
        unreachable!("called without having been ready")
    }
}

#[tokio::test(start_paused = true)]
async fn timeout_includes_the_wait_for_readiness() {
    let layer = WebSocketUpgradeLayer::new(Unready { panics: false }, async |_, ()| {});
    let start = Instant::now();
    assert_eq!(answer_upgrade(layer.into_service()).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn panic_while_waiting_for_readiness_is_500() {
    let layer = WebSocketUpgradeLayer::new(Unready { panics: true }, async |_, ()| {});
    assert_eq!(answer_upgrade(layer.into_service()).await.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn panic_is_500_and_the_connection_continues() {
    let handshake = service_fn(|request: Request<Handshake>| {
        let path = request.uri().path().to_owned();
        assert_ne!(path, "/call", "a panic in call");
        async move {
            assert_ne!(path, "/future", "a panic in the future");
            Ok::<_, Rejection>(request.into_body().accept(()))
        }
    });
    let layer = WebSocketUpgradeLayer::new(handshake, async |mut socket, ()| {
        let _ = socket.send("hello").await;
    });
    let mut wire = in_memory(layer.into_service());
    for path in ["/call", "/future", "/call"] {
        wire.send(head(path)).await;
        let response = wire.response().await;
        assert_eq!((response.status(), response.body().as_str()), (StatusCode::INTERNAL_SERVER_ERROR, ""));
    }
    let mut socket = wire.open("/").await;
    assert_eq!(soon(socket.next()).await.unwrap().unwrap().to_text().unwrap(), "hello");
}

/// An error whose conversion panics.
#[derive(Debug)]
struct Unconvertible;

impl From<Unconvertible> for Rejection {
    fn from(_: Unconvertible) -> Self {
        panic!("a panic in the conversion")
    }
}

#[tokio::test]
async fn panic_of_other_code_of_the_application_is_500() {
    let handshake = service_fn(async |_: Request<Handshake>| Err::<Response<()>, _>(Unconvertible));
    let converting = WebSocketUpgradeLayer::new(handshake, async |_, ()| {}).into_service();
    let origins = AllowOrigin::predicate(|_, _| panic!("a panic in the predicate of origins"));
    let layer = || WebSocketUpgradeLayer::accept_all(async |_| {});
    let checking = layer().with_config(Config::new().allow_origin(origins)).into_service();
    let filtering = layer().filter(|_| panic!("a panic in the filter")).into_service();
    let request = || upgrade("/").header("origin", "https://server.example.com");
    assert_eq!(answer(converting, upgradable(request().body(()).unwrap())).await.status(), 500);
    assert_eq!(answer(checking, upgradable(request().body(()).unwrap())).await.status(), 500);
    assert_eq!(answer(filtering, upgradable(request().body(()).unwrap())).await.status(), 500);
}

#[tokio::test]
#[should_panic(expected = "handshake_timeout must not be zero")]
async fn zero_timeout_panics_when_it_is_set() {
    let _ = Config::new().handshake_timeout(Duration::ZERO);
}
