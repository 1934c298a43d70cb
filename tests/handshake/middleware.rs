//! The handshake service is an HTTP service, so middleware of tower and tower-http wraps it
//! unchanged.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use tokio::{
    io::duplex,
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::yield_now,
    time::{Instant, timeout},
};
use tower::{
    BoxError, ServiceBuilder, service_fn,
    util::{BoxCloneService, BoxCloneSyncService},
};
use tower_http::{
    add_extension::AddExtensionLayer,
    request_id::{MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    set_header::SetResponseHeaderLayer,
    validate_request::ValidateRequestHeaderLayer,
};
use tower_websocket::{Acceptor, Handshake, HandshakeService, Rejection, WebSocketUpgradeLayer, serve};

use crate::{
    request::{answer, answer_upgrade, upgradable, upgrade},
    wire::{Wire, head},
};

async fn accept(request: Request<Handshake>) -> Result<Response<()>, Rejection> {
    Ok(request.into_body().accept(()))
}

/// Returns the response that the client gets from the handshake service `handshake`.
async fn answered<H: HandshakeService>(handshake: H) -> Response<String> {
    answer_upgrade(WebSocketUpgradeLayer::new(handshake, async |_, _| {}).into_service()).await
}

#[tokio::test(start_paused = true)]
async fn towers_timeout_is_503() {
    let handshake = ServiceBuilder::new()
        .timeout(Duration::from_secs(1))
        .service_fn(async |_: Request<Handshake>| pending::<Result<Response<()>, Rejection>>().await);
    let start = Instant::now();
    assert_eq!(answered(handshake).await.status(), StatusCode::SERVICE_UNAVAILABLE);
    // Not the layer's own 10 s.
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test]
async fn towers_concurrency_limit_is_shared_by_all_requests() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let handshake = {
        let most = Arc::clone(&most);
        ServiceBuilder::new().concurrency_limit(2).service_fn(move |request: Request<Handshake>| {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
                yield_now().await;
                now.fetch_sub(1, Ordering::Relaxed);
                accept(request).await
            }
        })
    };
    let service = WebSocketUpgradeLayer::new(handshake, async |_, ()| {}).into_service();
    for response in join_all((0..8).map(|_| answer_upgrade(service.clone()))).await {
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    }
    assert_eq!(most.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn towers_buffer_passes_requests_and_rejections() {
    let handshake = ServiceBuilder::new().buffer(4).service_fn(async |request: Request<Handshake>| {
        if request.uri().path() == "/refused" {
            return Err(Rejection::from((StatusCode::CONFLICT, "taken")));
        }
        accept(request).await
    });
    let service = WebSocketUpgradeLayer::new(handshake, async |_, ()| {}).into_service();
    for (path, status, body) in
        [("/", StatusCode::SWITCHING_PROTOCOLS, ""), ("/refused", StatusCode::CONFLICT, "taken")]
    {
        let response = answer(service.clone(), upgradable(upgrade(path).body(()).unwrap())).await;
        assert_eq!((response.status(), response.body().as_str()), (status, body));
    }
}

#[tokio::test(start_paused = true)]
async fn towers_load_shedding_is_503() {
    let (inside, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let handshake = {
        let (inside, go) = (Arc::clone(&inside), Arc::clone(&go));
        ServiceBuilder::new().load_shed().concurrency_limit(1).service_fn(move |request| {
            let (inside, go) = (Arc::clone(&inside), Arc::clone(&go));
            async move {
                inside.notify_one();
                go.notified().await;
                accept(request).await
            }
        })
    };
    let service = WebSocketUpgradeLayer::new(handshake, async |_, ()| {}).into_service();
    let first = tokio::spawn(answer_upgrade(service.clone()));
    inside.notified().await;
    // At once, not after a timeout.
    let second = timeout(Duration::from_secs(1), answer_upgrade(service)).await.unwrap();
    assert_eq!(second.status(), StatusCode::SERVICE_UNAVAILABLE);
    go.notify_one();
    assert_eq!(first.await.unwrap().status(), StatusCode::SWITCHING_PROTOCOLS);
}

#[tokio::test]
async fn boxed_handshake_service_is_accepted() {
    let boxed: BoxCloneSyncService<Request<Handshake>, Response<()>, BoxError> =
        BoxCloneSyncService::new(ServiceBuilder::new().map_err(BoxError::from).service_fn(accept));
    assert_eq!(answered(boxed).await.status(), StatusCode::SWITCHING_PROTOCOLS);
}

/// A service that is `Send` and not `Sync`, for each way to open a socket.
#[tokio::test]
async fn handshake_service_need_not_be_sync() {
    fn boxed() -> BoxCloneService<Request<Handshake>, Response<()>, Rejection> {
        BoxCloneService::new(service_fn(accept))
    }
    assert_eq!(answered(boxed()).await.status(), StatusCode::SWITCHING_PROTOCOLS);

    // axum's services are `Sync`, and so is the layer's.
    let service = || WebSocketUpgradeLayer::new(boxed(), async |_, ()| {}).into_service();
    let router: axum::Router = axum::Router::new().route_service("/", service());
    let request = upgradable(upgrade("/").body(axum::body::Body::empty()).unwrap());
    assert_eq!(answer(router, request).await.status(), StatusCode::SWITCHING_PROTOCOLS);

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, service()).into_future());
    let mut wire = Wire::new(TcpStream::connect(addr).await.unwrap());
    wire.send(head("/")).await;
    assert_eq!(wire.response().await.status(), StatusCode::SWITCHING_PROTOCOLS);

    let (client, io) = duplex(4096);
    let mut wire = Wire::new(client);
    wire.send(head("/")).await;
    let acceptor = Acceptor::new(boxed());
    // Spawning requires that the future is `Send`.
    tokio::spawn(async move { acceptor.accept(io).await.map(drop).unwrap() }).await.unwrap();
    assert_eq!(wire.response().await.status(), StatusCode::SWITCHING_PROTOCOLS);
}

#[tokio::test]
async fn set_response_header_changes_the_101() {
    let handshake = ServiceBuilder::new()
        .layer(SetResponseHeaderLayer::overriding(
            HeaderName::from_static("x-served-by"),
            HeaderValue::from_static("tower-http"),
        ))
        .service_fn(accept);
    let response = answered(handshake).await;
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()["x-served-by"], "tower-http");
    assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

/// The attached value is the response's body, so middleware that responds instead of the service
/// needs a default value.
#[tokio::test]
async fn validate_request_header_rejects_before_the_service() {
    let bearer = |request: &mut Request<Handshake>| {
        if request.headers().get("authorization").is_some_and(|value| value == "Bearer secret") {
            return Ok(());
        }
        Err(Response::builder().status(401).header("www-authenticate", "Bearer").body(()).unwrap())
    };
    let handshake =
        ServiceBuilder::new().layer(ValidateRequestHeaderLayer::custom(bearer)).service_fn(accept);
    let service = WebSocketUpgradeLayer::new(handshake, async |_, ()| {}).into_service();

    let refused = answer_upgrade(service.clone()).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(refused.headers()["www-authenticate"], "Bearer");
    let request = upgrade("/").header("authorization", "Bearer secret").body(()).unwrap();
    assert_eq!(answer(service, upgradable(request)).await.status(), StatusCode::SWITCHING_PROTOCOLS);

    let with_default = ServiceBuilder::new()
        .layer(ValidateRequestHeaderLayer::has_header_value("x-user", "me").unwrap())
        .service_fn(async |request: Request<Handshake>| {
            Ok::<_, Rejection>(request.into_body().accept(String::from("an extra")))
        });
    assert_eq!(answered(with_default).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn add_extension_reaches_the_service() {
    #[derive(Clone)]
    struct Database(&'static str);
    let handshake = ServiceBuilder::new().layer(AddExtensionLayer::new(Database("db1"))).service_fn(
        async |request: Request<Handshake>| {
            let name = HeaderValue::from_static(request.extensions().get::<Database>().unwrap().0);
            let mut handshake = request.into_body();
            handshake.response_mut().headers_mut().insert("x-database", name);
            Ok::<_, Rejection>(handshake.accept(()))
        },
    );
    assert_eq!(answered(handshake).await.headers()["x-database"], "db1");
}

#[tokio::test]
async fn request_ids_are_set_and_propagated() {
    #[derive(Clone)]
    struct Seven;
    impl MakeRequestId for Seven {
        fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
            Some(RequestId::new(HeaderValue::from_static("7")))
        }
    }
    let name = HeaderName::from_static("x-request-id");
    let handshake = ServiceBuilder::new()
        .layer(SetRequestIdLayer::new(name.clone(), Seven))
        .layer(PropagateRequestIdLayer::new(name))
        .service_fn(async |request: Request<Handshake>| {
            assert_eq!(request.headers()["x-request-id"], "7");
            assert_eq!(request.extensions().get::<RequestId>().unwrap().header_value(), "7");
            accept(request).await
        });
    let response = answered(handshake).await;
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()["x-request-id"], "7");
}

#[tokio::test]
async fn any_matching_service_is_a_handshake_service() {
    fn check<H: HandshakeService<Extra = ()>>(_: &H) {}
    check(&service_fn(accept));
    check(&ServiceBuilder::new().timeout(Duration::from_secs(1)).service_fn(accept));
}
