//! What outer layers learn about a rejection.

use std::{convert::Infallible, future::pending, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version, request::Builder};
use http_body_util::Full;
use tower::{Layer, service_fn};
use tower_websocket::{
    AcceptAll, Acceptor, Config, Handshake, Rejection, Shutdown, WebSocketUpgradeLayer,
    handshake::HandshakeErrorKind,
};

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
    response.extensions().get::<HandshakeErrorKind>().map(|cause| cause.as_str())
}

#[tokio::test(start_paused = true)]
async fn rejection_names_its_cause() {
    for (request, expected) in [
        (upgrade("/").method("POST"), "method_not_get"),
        (upgrade_without("/", &["Sec-WebSocket-Version"]), "missing_version"),
        (upgrade_without("/", &["Sec-WebSocket-Key"]), "missing_key"),
        (upgrade_without("/", &["Host"]), "missing_host"),
        (upgrade("foo"), "invalid_target"),
        (upgrade_without("/", &["Host"]).header("host", "a b"), "invalid_host"),
        (upgrade("/").header("host", "b"), "repeated_host"),
        (upgrade("/").header("sec-websocket-version", "13"), "repeated_version"),
        (upgrade("/").header("origin", "http://a").header("origin", "http://a"), "repeated_origin"),
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
    let hosts = tower_websocket::AllowHost::list(["localhost"]).unwrap();
    assert_eq!(cause(Config::new().allow_host(hosts), upgrade("/")).await, Some("forbidden_host"));
    let shutdown = Shutdown::new();
    shutdown.start();
    assert_eq!(cause(Config::new().with_shutdown(&shutdown), upgrade("/")).await, Some("shutting_down"));
}

#[tokio::test]
async fn standalone_service_names_the_cause_for_ordinary_requests() {
    let version = |request: Builder, version| request.version(version);
    for (request, expected) in [
        (Request::get("/"), "not_web_socket"),
        (Request::post("/"), "not_web_socket"),
        (upgrade_without("/", &["Upgrade"]), "incomplete_upgrade"),
        (upgrade_without("/", &["Connection"]), "incomplete_upgrade"),
        (version(upgrade("/"), Version::HTTP_10), "incomplete_upgrade"),
        (version(Request::get("/"), Version::HTTP_10), "not_web_socket"),
        (version(Request::get("/"), Version::HTTP_2), "method_not_connect"),
        (version(Request::connect("/"), Version::HTTP_2), "unknown_protocol"),
    ] {
        assert_eq!(cause(Config::new(), request).await, Some(expected));
    }
}

#[tokio::test]
async fn responses_of_the_inner_service_have_no_cause() {
    assert_eq!(cause(Config::new(), upgrade("/")).await, None);
    let layer = WebSocketUpgradeLayer::new(service_fn(handshake), async |_, ()| {});
    let inner = service_fn(async |_| Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())));
    let response = answer(layer.layer(inner), Request::get("/").body(()).unwrap()).await;
    assert!(response.extensions().get::<HandshakeErrorKind>().is_none());
}

#[tokio::test]
async fn manual_response_names_the_cause_too() {
    let acceptor = Acceptor::new(AcceptAll);
    for (request, expected) in [
        (Request::get("/"), "not_web_socket"),
        (upgrade_without("/", &["Host"]), "missing_host"),
        (upgrade("/").header("host", "b"), "repeated_host"),
    ] {
        let error = acceptor.accept_request(upgradable(request.body(()).unwrap())).await.unwrap_err();
        assert_eq!(error.kind().as_str(), expected);
        assert_eq!(
            error.into_response().extensions().get::<HandshakeErrorKind>().unwrap().as_str(),
            expected
        );
    }
}

/// A request that is rejected before the handshake service is logged like every other rejection.
#[cfg(feature = "tracing")]
#[tokio::test]
async fn each_rejection_is_an_event() {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // With a single subscriber, a callsite that another thread registers first would be disabled
    // for all.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::new());
    let _guard = tracing::subscriber::set_default(subscriber);
    let logged = || String::from_utf8(std::mem::take(&mut *log.0.lock().unwrap())).unwrap();
    for (request, status, text) in [
        (Request::get("/page"), 426, "handshake rejected: this resource is a WebSocket: upgrade required"),
        (upgrade_without("/page", &["Upgrade"]), 426, "handshake rejected: Upgrade is missing"),
        (
            Request::get("/page").version(Version::HTTP_2),
            405,
            "handshake rejected: this resource is a WebSocket",
        ),
        (
            Request::connect("/page").version(Version::HTTP_2),
            501,
            "handshake rejected: this resource is a WebSocket",
        ),
        (upgrade_without("/page", &["Host"]), 400, "handshake rejected: Host is missing"),
    ] {
        let request = || {
            let head = request.method_ref().cloned().unwrap();
            let mut parts = Request::builder().method(head).uri(request.uri_ref().unwrap().clone());
            parts = parts.version(*request.version_ref().unwrap());
            *parts.headers_mut().unwrap() = request.headers_ref().unwrap().clone();
            upgradable(parts.body(()).unwrap())
        };
        let layer = WebSocketUpgradeLayer::new(service_fn(handshake), async |_, ()| {});
        answer(layer.into_service(), request()).await;
        let by_layer = logged();
        Acceptor::new(AcceptAll).accept_request(request()).await.unwrap_err();
        for log in [by_layer, logged()] {
            assert!(log.contains(text) && log.contains(&format!("status={status}")), "{log}");
            assert!(log.contains("path=\"/page\""), "{log}");
            assert_eq!(log.lines().filter(|line| line.contains("rejected")).count(), 1, "{log}");
        }
    }
    // The raw stream.
    let (mut client, io) = tokio::io::duplex(4096);
    tokio::io::AsyncWriteExt::write_all(&mut client, b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    Acceptor::new(AcceptAll).accept(io).await.unwrap_err();
    assert!(logged().contains("handshake rejected: this resource is a WebSocket: upgrade required"));
}
