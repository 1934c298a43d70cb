//! HTTP/2 and HTTP/1.1 on one port.

use std::time::Duration;

use futures_util::SinkExt;
use http::{Method, Request, StatusCode};
use raw_client::{
    frame,
    http2_frames::{self, ACK, SETTINGS, hello},
    whole::{CLOSE, TEXT},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tower_websocket::{Message, serve};

use crate::{
    client::{Authority, Http2, echo, receive, soon, tls, websocket},
    memory::start,
    service::{service, telling},
    tls::start_tls,
};

#[tokio::test]
async fn plain_port_accepts_both_versions() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, telling()).into_future());
    let connect = || TcpStream::connect(addr);
    let facts = "peer=true tls=None sni=None alpn=None certificates=0";
    let mut socket = websocket(connect().await.unwrap()).await;
    assert_eq!(receive(&mut socket).await, format!("HTTP/1.1 {facts}"));
    echo(&mut socket, "over HTTP/1.1").await;
    let mut http = Http2::new(connect().await.unwrap()).await;
    let mut socket = http.websocket().await;
    assert_eq!(receive(&mut socket).await, format!("HTTP/2.0 {facts}"));
    echo(&mut socket, "over HTTP/2").await;
    assert_eq!(http.get("/").await.unwrap(), StatusCode::OK);
}

#[tokio::test]
async fn alpn_selects_the_version_over_tls() {
    let authority = Authority::new();
    let (connector, _server) = start_tls(authority.tls(), telling(), |server| server);
    for (offer, agreed, version) in [
        (&["http/1.1"][..], r#"Some("http/1.1")"#, "HTTP/1.1"),
        (&[], "None", "HTTP/1.1"),
        (&["h2", "http/1.1"], r#"Some("h2")"#, "HTTP/2.0"),
        (&["http/1.1", "h2"], r#"Some("h2")"#, "HTTP/2.0"),
    ] {
        let io = tls(&authority.client(offer, false), connector.connect()).await.unwrap();
        let facts = if version == "HTTP/2.0" {
            let mut http = Http2::new(io).await;
            let mut socket = http.websocket().await;
            let facts = receive(&mut socket).await;
            echo(&mut socket, "hello").await;
            facts
        } else {
            let mut socket = websocket(io).await;
            let facts = receive(&mut socket).await;
            echo(&mut socket, "hello").await;
            facts
        };
        let expected = format!(
            r#"{version} peer=false tls=Some(TLSv1_3) sni=Some("localhost") alpn={agreed} certificates=0"#
        );
        assert_eq!(facts, expected);
    }
    // Over TLS, HTTP/2 needs ALPN, regardless of the client's first bytes.
    let mut io = tls(&authority.client(&[], false), connector.connect()).await.unwrap();
    io.write_all(&hello()).await.unwrap();
    let mut answer = Vec::new();
    let _ = soon(io.read_to_end(&mut answer)).await;
    assert_eq!(answer, b"");
}

#[tokio::test]
async fn preface_may_arrive_in_pieces() {
    let (connector, _server) = start(service(), |server| server);
    for size in [1, 2, 7, 23, 24, 25] {
        let mut io = connector.connect();
        for piece in [hello(), http2_frames::get(1, "/")].concat().chunks(size) {
            io.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        let settings = http2_frames::read(&mut io).await.unwrap();
        assert_eq!(settings.kind, SETTINGS);
        // SETTINGS_ENABLE_CONNECT_PROTOCOL
        assert!(settings.payload.chunks(6).any(|setting| setting == [0, 8, 0, 0, 0, 1]));
        http2_frames::read_until(&mut io, |frame| frame.kind == SETTINGS && frame.flags == ACK).await;
        let answer = http2_frames::read_until(&mut io, |frame| frame.kind == http2_frames::HEADERS).await;
        assert_eq!(answer.stream, 1);
    }
}

/// With plain `h2`, and raw frames.
#[tokio::test]
async fn raw_client_opens_a_socket() {
    let (connector, _server) = start(service(), |server| server);
    let (requests, mut connection) = h2::client::handshake(connector.connect()).await.unwrap();
    let mut ping = connection.ping_pong().unwrap();
    let connection = tokio::spawn(connection);
    // The server's settings arrive before its answer to this.
    soon(ping.ping(h2::Ping::opaque())).await.unwrap();
    let mut requests = soon(requests.ready()).await.unwrap();
    assert!(requests.is_extended_connect_protocol_enabled());
    let request = Request::builder()
        .method(Method::CONNECT)
        .uri("http://localhost/")
        .header("sec-websocket-version", "13")
        .extension(h2::ext::Protocol::from_static("websocket"))
        .body(())
        .unwrap();
    let (response, mut send) = requests.send_request(request, false).unwrap();
    let response = soon(response).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    for name in ["connection", "upgrade", "sec-websocket-accept"] {
        assert!(!response.headers().contains_key(name), "{name}");
    }
    let mut body = response.into_body();
    send.send_data(frame(TEXT, b"hi").into(), false).unwrap();
    assert_eq!(soon(body.data()).await.unwrap().unwrap(), &b"\x81\x02hi"[..]);
    send.send_data(frame(CLOSE, &[3, 232]).into(), false).unwrap();
    assert_eq!(soon(body.data()).await.unwrap().unwrap(), &b"\x88\x02\x03\xe8"[..]);
    while let Some(end) = soon(body.data()).await {
        assert!(end.unwrap().is_empty());
    }
    drop((requests, ping, send, body));
    soon(connection).await.unwrap().unwrap();
}

#[tokio::test]
async fn two_hundred_sockets_are_open_on_each_of_ten_connections() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let server = serve(listener, service());
    let shutdown = server.shutdown().clone();
    tokio::spawn(server.into_future());
    let mut connections = Vec::new();
    for _ in 0..10 {
        let mut http = Http2::new(TcpStream::connect(addr).await.unwrap()).await;
        let mut sockets = Vec::new();
        for _ in 0..200 {
            sockets.push(http.websocket().await);
        }
        connections.push((http, sockets));
    }
    assert_eq!(shutdown.connections(), 2000);
    for (_, sockets) in &mut connections {
        for (i, socket) in sockets.iter_mut().enumerate() {
            echo(socket, &i.to_string()).await;
        }
    }
    drop(connections);
    soon(shutdown.idle()).await;
}

/// Its echo waits until its client reads, and so does not receive. With hyper's default windows,
/// where one stream may use the whole connection window, this blocked the other streams.
#[tokio::test(start_paused = true)]
async fn unread_socket_does_not_stall_other_sockets() {
    let (connector, _server) = start(service(), |server| server);
    let mut http = Http2::new(connector.connect()).await;
    let mut stuck = http.websocket().await;
    let mut neighbour = http.websocket().await;
    let mut sent = 0;
    let message = || Message::binary(vec![0; 60_000]);
    while timeout(Duration::from_secs(5), stuck.send(message())).await.is_ok_and(|sent| sent.is_ok()) {
        sent += 1;
        assert!(sent < 1000, "it takes all of them");
    }
    for _ in 0..100 {
        echo(&mut neighbour, &"x".repeat(10_000)).await;
    }
}
