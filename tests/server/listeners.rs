//! Several listeners on one server, and a common limit.

use std::{
    io,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::StreamExt;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::oneshot,
    time::timeout,
};
use tower::service_fn;
use tower_websocket::{
    Handshake, Rejection, WebSocket, WebSocketUpgradeLayer, serve,
    server::{Listener, PeerAddr},
};

use crate::{
    client::{Authority, Http2, echo, exchange, receive, receive_close, soon, tls, websocket},
    memory::{listener, start},
    service::{service, telling},
    tls::start_tls,
};

#[tokio::test]
async fn tcp_tls_unix_and_memory_are_served_by_one_server() {
    let path = std::env::temp_dir().join(format!("tower-websocket-listeners-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let (plain, secure) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await);
    let secure = secure.unwrap();
    let (plain_addr, secure_addr) = (plain.local_addr().unwrap(), secure.local_addr().unwrap());
    let (memory, pipes) = listener();
    let authority = Authority::new();
    let (signal, signalled) = oneshot::channel::<()>();
    let server = serve(plain, telling())
        .listen(UnixListener::bind(&path).unwrap())
        .listen_tls(secure, authority.tls())
        .listen_tls(pipes, authority.tls())
        .with_graceful_shutdown(async { drop(signalled.await) });
    let shutdown = server.shutdown().clone();
    let server = tokio::spawn(server.into_future());

    let connector = authority.client(&[], false);
    let mut tcp = websocket(TcpStream::connect(plain_addr).await.unwrap()).await;
    let mut unix = websocket(UnixStream::connect(&path).await.unwrap()).await;
    let mut secure =
        websocket(tls(&connector, TcpStream::connect(secure_addr).await.unwrap()).await.unwrap()).await;
    let mut memory = websocket(tls(&connector, memory.connect()).await.unwrap()).await;
    let mut http2 = Http2::new(UnixStream::connect(&path).await.unwrap()).await.websocket().await;
    assert!(receive(&mut tcp).await.starts_with("HTTP/1.1 peer=true tls=None"));
    assert!(receive(&mut unix).await.starts_with("HTTP/1.1 peer=false tls=None"));
    assert!(receive(&mut secure).await.starts_with("HTTP/1.1 peer=true tls=Some(TLSv1_3)"));
    assert!(receive(&mut memory).await.starts_with("HTTP/1.1 peer=false tls=Some(TLSv1_3)"));
    assert!(receive(&mut http2).await.starts_with("HTTP/2.0 peer=false tls=None"));
    assert_eq!(shutdown.connections(), 5);

    signal.send(()).unwrap();
    assert_eq!(receive_close(&mut tcp).await, 1001);
    assert_eq!(receive_close(&mut unix).await, 1001);
    assert_eq!(receive_close(&mut secure).await, 1001);
    assert_eq!(receive_close(&mut memory).await, 1001);
    assert_eq!(receive_close(&mut http2).await, 1001);
    soon(server).await.unwrap().unwrap();
    // The ports may have another owner by now. The file of a Unix socket remains, and prevents the
    // next bind.
    assert!(UnixStream::connect(&path).await.is_err());
    assert!(UnixListener::bind(&path).is_err());
    std::fs::remove_file(&path).unwrap();
}

/// Its address is of the listener's kind: here it has no name.
#[tokio::test]
async fn unix_peer_address_reaches_the_handshake_service() {
    let path = std::env::temp_dir().join(format!("tower-websocket-peer-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let handshake = async |request: Request<Handshake>| {
        let peer = request.extensions().get::<PeerAddr<Arc<tokio::net::unix::SocketAddr>>>();
        let peer = peer.ok_or(StatusCode::INTERNAL_SERVER_ERROR)?.clone();
        Ok::<_, Rejection>(request.into_body().accept(peer))
    };
    let handler = async |mut socket: WebSocket,
                         PeerAddr(peer): PeerAddr<Arc<tokio::net::unix::SocketAddr>>| {
        let _ = socket.send(format!("unnamed={}", peer.is_unnamed())).await;
    };
    let service = WebSocketUpgradeLayer::new(service_fn(handshake), handler).into_service();
    tokio::spawn(serve(UnixListener::bind(&path).unwrap(), service).into_future());
    let mut socket = websocket(UnixStream::connect(&path).await.unwrap()).await;
    std::fs::remove_file(&path).unwrap();
    assert_eq!(receive(&mut socket).await, "unnamed=true");
}

/// After a connection has failed in any way, its permit is free for the next one.
#[tokio::test(start_paused = true)]
async fn failed_handshake_and_panic_free_the_permit() {
    let authority = Authority::new();
    let service = service_fn(async |request: Request<Incoming>| -> Result<Response<String>, io::Error> {
        match request.uri().path() {
            "/panic" => panic!("as it should"),
            "/error" => Err(io::ErrorKind::Other.into()),
            _ => Ok(Response::new("page".into())),
        }
    });
    let (secure, _server) = start_tls(authority.tls(), service, |server| server.max_connections(1));
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\x16\x03\x01"] {
        let mut io = secure.connect();
        io.write_all(bytes).await.unwrap();
        soon(io.read_to_end(&mut Vec::new())).await.unwrap();
    }
    drop(secure.connect());
    assert!(tls(&authority.client(&["other"], false), secure.connect()).await.is_err());
    let mut io = tls(&authority.client(&[], false), secure.connect()).await.unwrap();
    io.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    soon(io.read_to_end(&mut Vec::new())).await.unwrap();

    let (plain, _server) = start(service, |server| server.max_connections(1));
    for path in ["/panic", "/error"] {
        let mut io = plain.connect();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(exchange(&mut io, request.as_bytes()).await, b"", "{path}");
        // Over HTTP/2 only the stream ends, not the connection.
        let mut http = Http2::new(plain.connect()).await;
        assert!(http.get(path).await.is_err(), "{path}");
        assert_eq!(http.get("/").await.unwrap(), StatusCode::OK, "{path}");
    }
    let mut io = plain.connect();
    let answer = exchange(&mut io, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert!(answer.ends_with(b"page"));
}

/// A listener whose connections are all gone before they are accepted.
struct Broken;

impl Listener for Broken {
    type Io = DuplexStream;
    type Addr = ();

    fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<io::Result<(DuplexStream, ())>> {
        Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
    }
}

/// Errors of single connections do not pause accepting, but accepting must not spin either. It used
/// to occupy the thread.
#[tokio::test]
async fn broken_listener_does_not_block_the_thread() {
    let (connector, pipes) = listener();
    tokio::spawn(serve(Broken, service()).listen(pipes).into_future());
    echo(&mut websocket(connector.connect()).await, "hello").await;
}

#[tokio::test]
async fn busy_listener_does_not_starve_another() {
    let (busy, pipes) = listener();
    let (quiet, more) = listener();
    let (mut rush, request) = (Vec::new(), b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for _ in 0..1000 {
        rush.push(busy.connect());
    }
    let mut io = quiet.connect();
    tokio::spawn(serve(pipes, service()).listen(more).into_future());
    io.write_all(request).await.unwrap();
    let mut answer = [0; 8];
    soon(io.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1");
}

#[tokio::test(start_paused = true)]
async fn clients_over_the_connection_limit_wait() {
    let (connector, _server) = start(service(), |server| server.max_connections(2));
    let mut first = websocket(connector.connect()).await;
    let mut http = Http2::new(connector.connect()).await;
    let mut second = http.websocket().await;
    let mut third = tokio::spawn(websocket(connector.connect()));
    // The WebSocket's connection counts, not the HTTP connection before it.
    assert!(timeout(Duration::from_secs(10), &mut third).await.is_err());
    echo(&mut first, "1").await;
    echo(&mut second, "2").await;
    first.close(None).await.unwrap();
    while let Some(Ok(_)) = first.next().await {}
    drop(first);
    let mut third = soon(third).await.unwrap();
    echo(&mut third, "3").await;
    // A shutdown does not wait for them either.
    let mut fourth = tokio::spawn(websocket(connector.connect()));
    assert!(timeout(Duration::from_secs(10), &mut fourth).await.is_err());
    drop((second, http));
    echo(&mut soon(fourth).await.unwrap(), "4").await;
}

/// Also for a bare socket, which is taken out of its wrappers.
#[tokio::test]
async fn bare_socket_keeps_its_permit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, service()).max_connections(1).into_future());
    let mut first = websocket(TcpStream::connect(addr).await.unwrap()).await;
    let mut second = TcpStream::connect(addr).await.unwrap();
    second.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    for _ in 0..20 {
        echo(&mut first, "hello").await;
    }
    assert_eq!(second.try_read(&mut [0]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    drop(first);
    let mut answer = [0; 12];
    soon(second.read_exact(&mut answer)).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}
