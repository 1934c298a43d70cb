//! Differences between the servers.

use std::{
    convert::Infallible,
    error::Error,
    future::IntoFuture,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::{Router, extract::ConnectInfo};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    io::duplex,
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tower::service_fn;
use tower_websocket::{
    AcceptAll, Acceptor, Handshake, HandshakeService, Message, Rejection, WebSocketUpgradeLayer,
    accept::UpgradeError,
    serve,
    server::{Listener, PeerAddr},
};

use crate::{
    server::{WHICH_IO, echo_layer, in_memory},
    wire::{Wire, head, soon},
};

/// Attaches the address that `find` returns for the request. The handler sends it.
fn peer_layer<A: Send + Sync + 'static>(
    find: fn(&A) -> SocketAddr,
) -> impl HandshakeService<Extra = Option<SocketAddr>> {
    service_fn(move |request: Request<Handshake>| {
        let addr = request.extensions().get().map(find);
        async move { Ok::<_, Rejection>(request.into_body().accept(addr)) }
    })
}

/// Opens a WebSocket. Returns the client's address, and the address that the server reports.
async fn peer_of(server: SocketAddr) -> (String, String) {
    let client = TcpStream::connect(server).await.unwrap();
    let addr = client.local_addr().unwrap().to_string();
    let mut socket = Wire::new(client).open("/").await;
    (addr, soon(socket.next()).await.unwrap().unwrap().to_text().unwrap().to_owned())
}

#[tokio::test]
async fn peer_address_reaches_the_handshake_under_serve() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let handshake = peer_layer(|addr: &PeerAddr| addr.0);
    let layer = WebSocketUpgradeLayer::new(handshake, async |mut socket, addr| {
        let _ = socket.send(format!("{}", Option::unwrap(addr))).await;
    });
    tokio::spawn(serve(listener, layer.into_service()).into_future());
    let (expected, told) = peer_of(addr).await;
    assert_eq!(told, expected);
}

#[tokio::test]
async fn peer_address_reaches_the_handshake_under_axum() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let handshake = peer_layer(|addr: &ConnectInfo<SocketAddr>| addr.0);
    let layer = WebSocketUpgradeLayer::new(handshake, async |mut socket, addr| {
        let _ = socket.send(format!("{}", Option::unwrap(addr))).await;
    });
    let app = Router::new().fallback_service(layer.into_service());
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(axum::serve(listener, app).into_future());
    let (expected, told) = peer_of(addr).await;
    assert_eq!(told, expected);
}

#[cfg(unix)]
#[tokio::test]
async fn serve_accepts_a_unix_listener() {
    let path = std::env::temp_dir().join(format!("tower-websocket-serve-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    tokio::spawn(serve(listener, echo_layer().into_service()).into_future());
    let client = tokio::net::UnixStream::connect(&path).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut socket = Wire::new(client).open("/").await;
    for (message, answer) in [("hello", "hello"), (WHICH_IO, "bare unix")] {
        socket.send(Message::text(message)).await.unwrap();
        assert_eq!(soon(socket.next()).await.unwrap().unwrap().to_text().unwrap(), answer);
    }
}

#[tokio::test]
async fn serve_continues_after_a_connection_that_sends_garbage() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, echo_layer().into_service()).into_future());
    for garbage in [&b"\x16\x03\x01\x02\x00\x01\x00"[..], b"\r\n\r\n\r\n\r\n", b"GET /", b""] {
        let mut wire = Wire::new(TcpStream::connect(addr).await.unwrap());
        wire.send(garbage).await;
        wire.finish().await;
        let answer = String::from_utf8(wire.until_end().await).unwrap();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{garbage:?}: {answer:?}");
    }
    let mut socket = Wire::new(TcpStream::connect(addr).await.unwrap()).open("/").await;
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(soon(socket.next()).await.unwrap().unwrap().to_text().unwrap(), "hello");
}

/// hyper sends a 101, then drops the connection: its `Connection` cannot hand over the IO.
#[tokio::test]
async fn hyper_server_without_upgrades_ends_the_connection() {
    let (client, server) = duplex(1024);
    let has_handler = Arc::new(AtomicBool::new(false));
    let layer = {
        let has_handler = Arc::clone(&has_handler);
        WebSocketUpgradeLayer::new(AcceptAll, move |_, ()| {
            has_handler.store(true, Ordering::Relaxed);
            async {}
        })
    };
    let service = TowerToHyperService::new(layer.into_service());
    let served = tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(server), service));
    let mut wire = Wire::new(client);
    wire.send(head("/")).await;
    assert_eq!(wire.response().await.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(wire.until_end().await, b"");
    soon(served).await.unwrap().unwrap();
    assert!(!has_handler.load(Ordering::Relaxed));
}

/// hyper keeps the upgrade's promise until the next upgrade on the connection.
#[tokio::test]
async fn missing_upgrade_is_an_error() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let service = service_fn(move |request: Request<Incoming>| {
        let tell = tell.clone();
        async move {
            let acceptor = Acceptor::new(AcceptAll);
            let (_never_sent, upgrading) = acceptor.accept_request(request).await.unwrap();
            tokio::spawn(async move { tell.send(upgrading.await.unwrap_err()) });
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("changed my mind")))
        }
    });
    let mut wire = in_memory(service);
    for _ in 0..2 {
        wire.send(head("/")).await;
        assert_eq!(wire.response().await.status(), StatusCode::OK);
    }
    let error = soon(told.recv()).await.unwrap();
    assert_eq!(error.to_string(), "the connection was not handed over after the handshake");
    assert!(error.source().is_some());
}

/// hyper inserts an `OnUpgrade` into requests even if the server does not upgrade, so the error
/// appears only later.
#[tokio::test]
async fn server_without_upgrades_is_an_error_that_names_the_missing_call() {
    for is_auto in [false, true] {
        let (tell, mut told) = mpsc::unbounded_channel();
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            let tell = tell.clone();
            async move {
                let acceptor = Acceptor::new(AcceptAll);
                let (response, upgrading) = acceptor.accept_request(request).await.unwrap();
                tokio::spawn(async move { tell.send(upgrading.await.unwrap_err()) });
                Ok::<_, Infallible>(response.map(|()| Full::<Bytes>::default()))
            }
        });
        let (client, server) = duplex(1024);
        let server = TokioIo::new(server);
        let serving = async {
            if is_auto {
                let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(server, service).await;
            } else {
                let _ = http1::Builder::new().serve_connection(server, service).await;
            }
        };
        let asking = async {
            let mut wire = Wire::new(client);
            wire.send(head("/")).await;
            let answer = String::from_utf8(wire.until_end().await).unwrap();
            assert!(answer.starts_with("HTTP/1.1 101 ") && answer.ends_with("\r\n\r\n"), "{answer}");
        };
        soon(async { tokio::join!(serving, asking) }).await;
        let error = soon(told.recv()).await.unwrap();
        assert!(matches!(error, UpgradeError::NotSupported(_)), "{error:?}");
        for call in ["`with_upgrades()`", "`serve_connection_with_upgrades()`"] {
            assert!(error.to_string().contains(call), "{error}");
        }
        assert!(error.source().is_some());
    }
}

/// A listener that is out of file descriptors at first.
struct OutOfDescriptors(TcpListener, usize);

impl Listener for OutOfDescriptors {
    type Io = TcpStream;
    type Addr = SocketAddr;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        if self.1 > 0 {
            self.1 -= 1;
            // EMFILE
            return Poll::Ready(Err(io::Error::from_raw_os_error(24)));
        }
        Listener::poll_accept(&mut self.0, cx)
    }
}

#[tokio::test]
async fn serve_continues_after_running_out_of_file_descriptors() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let start = Instant::now();
    tokio::spawn(serve(OutOfDescriptors(listener, 3), echo_layer().into_service()).into_future());
    let mut socket = Wire::new(TcpStream::connect(addr).await.unwrap()).open("/").await;
    // It does not retry at once, which would use CPU time that other tasks need to free
    // descriptors.
    assert!(start.elapsed() >= Duration::from_millis(300));
    socket.send(Message::text("hello")).await.unwrap();
    assert_eq!(soon(socket.next()).await.unwrap().unwrap(), Message::text("hello"));
}
