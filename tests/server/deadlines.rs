//! Clients that make no progress.

use std::{panic::catch_unwind, time::Duration};

use ::axum::Router;
use http::Request;
use raw_client::http2_frames::{self, GOAWAY, PING, PREFACE, SETTINGS, hello};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream},
    time::{Instant, advance, sleep},
};
use tower_websocket::{WebSocket, WebSocketUpgradeLayer, serve, server::Serve};

use crate::{
    client::{Authority, Http2, echo, soon, tls, websocket},
    memory::{Pipes, listener, start},
    service::{LARGE, service},
    tls::start_tls,
};

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<IO: AsyncRead + AsyncWrite + Unpin> Stream for IO {}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn set<S>(server: Serve<Pipes, S>) -> Serve<Pipes, S> {
    server
        .tls_handshake_timeout(seconds(3))
        .first_request_timeout(seconds(5))
        .header_read_timeout(seconds(7))
        .write_timeout(seconds(13))
        .http2_idle_timeout(seconds(11))
}

/// Returns after how many seconds the server ends this connection.
async fn life(mut io: DuplexStream) -> u64 {
    let start = Instant::now();
    let mut rest = Vec::new();
    let _ = soon(io.read_to_end(&mut rest)).await;
    start.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn connection_without_request_times_out() {
    let (connector, _server) = start(service(), set);
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let half = [&hello()[..], &http2_frames::get(1, "/")[..20]].concat();
    let no_end = [
        hello(),
        http2_frames::frame(http2_frames::HEADERS, 1, 1, &http2_frames::fields(&[(":method", "GET")])),
    ]
    .concat();
    let cases = [
        (&b""[..], "silence"),
        (&request[..1], "one byte"),
        (&request[..request.len() - 1], "almost a request"),
        (&PREFACE[..3], "a part of the preface"),
        (&PREFACE[..16], "the preface's first line"),
        (&PREFACE[..23], "almost the preface"),
        (PREFACE, "the preface"),
        (&hello(), "the preface and settings"),
        (&half, "half a frame of headers"),
        (&no_end, "headers without end"),
    ];
    for (bytes, what) in cases {
        let mut io = connector.connect();
        io.write_all(bytes).await.unwrap();
        assert_eq!(life(io).await, 5, "{what}");
    }
}

/// Each byte and each ping shows that the client is alive. It must send a request nevertheless.
#[tokio::test(start_paused = true)]
async fn slow_request_times_out() {
    let (connector, _server) = start(service(), set);
    let pings: Vec<_> = (0..100).map(|_| http2_frames::frame(PING, 0, 0, &[0; 8])).collect();
    let settings: Vec<_> = (0..100).map(|_| http2_frames::frame(SETTINGS, 0, 0, &[])).collect();
    let bytes = |bytes: &[u8]| bytes.iter().map(|byte| vec![*byte]).collect::<Vec<_>>();
    let cases = [
        (vec![], bytes(&[b"GET / HTTP/1.1\r\nX: ", &[b'x'; 100][..]].concat())),
        (vec![], bytes(PREFACE)),
        (hello(), pings),
        (hello(), settings),
    ];
    for (first, rest) in cases {
        let io = connector.connect();
        let (mut read, mut write) = tokio::io::split(io);
        write.write_all(&first).await.unwrap();
        let start = Instant::now();
        let dawdling = tokio::spawn(async move {
            for bytes in rest {
                sleep(Duration::from_millis(300)).await;
                if write.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            panic!("all of it was taken");
        });
        let _ = soon(read.read_to_end(&mut Vec::new())).await;
        assert_eq!(start.elapsed().as_secs(), 5);
        soon(dawdling).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn tls_handshake_and_first_request_have_separate_timeouts() {
    let authority = Authority::new();
    let (connector, _server) = start_tls(authority.tls(), service(), set);
    for bytes in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", &[0x16, 3, 1, 0x40, 0]]
    {
        let mut io = connector.connect();
        io.write_all(bytes).await.unwrap();
        assert_eq!(life(io).await, 3, "{bytes:?}");
    }
    for (alpn, bytes) in
        [(&["http/1.1"][..], &b""[..]), (&["h2"], &b""[..]), (&["h2"], &hello()), (&[], b"GET")]
    {
        let mut io = tls(&authority.client(alpn, false), connector.connect()).await.unwrap();
        io.write_all(bytes).await.unwrap();
        io.flush().await.unwrap();
        let start = Instant::now();
        let _ = soon(io.read_to_end(&mut Vec::new())).await;
        assert_eq!(start.elapsed().as_secs(), 5, "{alpn:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn http_1_1_connection_is_kept_alive_for_a_while() {
    let (connector, _server) = start(service(), set);
    let mut io = connector.connect();
    for request in
        ["GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET /?20 HTTP/1.1\r\nHost: localhost\r\n\r\n"]
    {
        io.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; 1000];
        let n = soon(io.read(&mut answer)).await.unwrap();
        assert!(answer[..n].starts_with(b"HTTP/1.1 200 "), "{answer:?}");
        sleep(seconds(6)).await;
    }
    assert_eq!(life(io).await, 1);
}

#[tokio::test(start_paused = true)]
async fn idle_http_2_connection_gets_goaway() {
    let (connector, _server) = start(service(), set);
    let (mut http, end) = Http2::with_end(connector.connect()).await;
    // A connection with a pending request or a WebSocket is not idle.
    assert_eq!(http.get("/?30").await.unwrap(), 200);
    let mut socket = http.websocket().await;
    for _ in 0..10 {
        sleep(seconds(10)).await;
        echo(&mut socket, "still there").await;
    }
    assert_eq!(http.get("/").await.unwrap(), 200);
    socket.close(None).await.unwrap();
    while let Some(Ok(_)) = soon(futures_util::StreamExt::next(&mut socket)).await {}
    drop(socket);
    let start = Instant::now();
    sleep(seconds(9)).await;
    assert_eq!(http.get("/").await.unwrap(), 200);
    sleep(seconds(10)).await;
    assert_eq!(http.get("/").await.unwrap(), 200);
    // A clean end: a GOAWAY without an error.
    soon(end).await.unwrap().unwrap();
    assert_eq!(start.elapsed().as_secs(), 30);
    assert!(http.get("/").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn idle_http_2_client_that_ignores_goaway_is_dropped() {
    let (connector, _server) = start(service(), set);
    let mut io = connector.connect();
    io.write_all(&[hello(), http2_frames::get(1, "/")].concat()).await.unwrap();
    let start = Instant::now();
    // The ping next to the GOAWAY is never answered.
    let goaway = http2_frames::read_until(&mut io, |frame| frame.kind == GOAWAY).await;
    assert_eq!((goaway.goaway(), start.elapsed().as_secs()), (Some(0), 11));
    assert_eq!(life(io).await, 5);
}

/// Open streams may continue after the GOAWAY.
#[tokio::test(start_paused = true)]
async fn stream_on_an_ending_http_2_connection_may_finish() {
    let (connector, _server) = start(service(), set);
    let mut io = connector.connect();
    io.write_all(&[hello(), http2_frames::get(1, "/")].concat()).await.unwrap();
    http2_frames::read_until(&mut io, |frame| frame.kind == GOAWAY).await;
    io.write_all(&http2_frames::get(3, "/?20")).await.unwrap();
    let start = Instant::now();
    let answer = http2_frames::read_until(&mut io, |frame| frame.kind == http2_frames::HEADERS).await;
    assert_eq!((answer.stream, start.elapsed().as_secs()), (3, 20));
    assert!(life(io).await <= 5);
}

/// The answer may have waited for space for a long time when its stream ends here.
#[tokio::test(start_paused = true)]
async fn last_response_on_an_ending_http_2_connection_may_be_read() {
    let (connector, _server) = start(service(), set);
    let mut io = connector.connect();
    io.write_all(&[hello(), http2_frames::get(1, "/")].concat()).await.unwrap();
    http2_frames::read_until(&mut io, |frame| frame.kind == GOAWAY).await;
    sleep(seconds(1)).await;
    io.write_all(&http2_frames::get(3, "/?9")).await.unwrap();
    let answer = http2_frames::read_until(&mut io, |frame| frame.kind == http2_frames::HEADERS).await;
    assert_eq!(answer.stream, 3);
    assert_eq!(life(io).await, 5);
}

/// Over HTTP/1.1 the connection is dropped. Over HTTP/2 a GOAWAY is sent first.
#[tokio::test(start_paused = true)]
async fn client_that_stops_reading_a_response_is_dropped() {
    let authority = Authority::new();
    let (plain, _server) = start(service(), |server| set(server).max_connections(1));
    let (secure, _server) = start_tls(authority.tls(), service(), |server| set(server).max_connections(1));
    let no_window = http2_frames::frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    let request = b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let cases = [
        (&request[..], "http/1.1", 13, "one large response"),
        (&request.repeat(100), "http/1.1", 13, "many"),
        (&[PREFACE, &no_window, &http2_frames::get(1, "/")].concat(), "h2", 16, "no window"),
        (&[hello(), http2_frames::get(1, "/large")].concat(), "h2", 16, "half of a large response"),
    ];
    for (bytes, alpn, expected, what) in cases {
        for is_tls in [false, true] {
            let connector = if is_tls { &secure } else { &plain };
            let mut stuck: Box<dyn Stream> = if is_tls {
                Box::new(tls(&authority.client(&[alpn], false), connector.connect()).await.unwrap())
            } else {
                Box::new(connector.connect())
            };
            stuck.write_all(bytes).await.unwrap();
            stuck.flush().await.unwrap();
            let start = Instant::now();
            // It waits until the connection limit allows it.
            if is_tls {
                tls(&authority.client(&[alpn], false), connector.connect()).await.unwrap();
            } else {
                let mut next = connector.connect();
                next.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
                soon(next.read_u8()).await.unwrap();
            }
            assert_eq!(start.elapsed().as_secs(), expected, "{what}");
        }
    }
}

/// The pipe is full, so the server writes each piece only after the client has read the one before.
#[tokio::test(start_paused = true)]
async fn response_may_be_read_slowly() {
    let (connector, _server) = start(service(), set);
    let mut io = connector.connect();
    let request = b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    io.write_all(request).await.unwrap();
    let mut taken = 0;
    loop {
        sleep(seconds(10)).await;
        match soon(io.read(&mut [0; 50_000])).await.unwrap() {
            0 => break,
            n => taken += n,
        }
    }
    assert!(taken > LARGE, "{taken}");

    let (requests, connection) = h2::client::handshake(connector.connect()).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut requests = soon(requests.ready()).await.unwrap();
    let request = Request::get("http://localhost/large").body(()).unwrap();
    let mut body = soon(requests.send_request(request, true).unwrap().0).await.unwrap().into_body();
    let (start, mut taken) = (Instant::now(), 0);
    while let Some(data) = soon(body.data()).await {
        let n = data.unwrap().len();
        taken += n;
        sleep(Duration::from_millis(n as u64 / 10)).await;
        body.flow_control().release_capacity(n).unwrap();
    }
    assert_eq!(taken, LARGE);
    assert!(start.elapsed() > seconds(90));
    soon(connection).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn open_socket_outlives_every_http_timeout() {
    let authority = Authority::new();
    let (plain, _server) = start(service(), set);
    let (secure, _server) = start_tls(authority.tls(), service(), set);
    let mut http_1 = websocket(plain.connect()).await;
    let mut http_2 = Http2::new(plain.connect()).await.websocket().await;
    let io = tls(&authority.client(&["http/1.1"], false), secure.connect()).await.unwrap();
    let mut tls_1 = websocket(io).await;
    let io = tls(&authority.client(&["h2"], false), secure.connect()).await.unwrap();
    let mut tls_2 = Http2::new(io).await.websocket().await;
    for _ in 0..20 {
        advance(seconds(10)).await;
        echo(&mut http_1, "1").await;
        echo(&mut http_2, "2").await;
        echo(&mut tls_1, "3").await;
        echo(&mut tls_2, "4").await;
    }
}

#[test]
fn zero_timeout_or_limit_panics_when_it_is_set() {
    type Set = fn(Serve<Pipes, Router>) -> Serve<Pipes, Router>;
    let sets: [(Set, &str); 9] = [
        (|server| server.tls_handshake_timeout(Duration::ZERO), "tls_handshake_timeout must not be zero"),
        (|server| server.first_request_timeout(Duration::ZERO), "first_request_timeout must not be zero"),
        (|server| server.header_read_timeout(Duration::ZERO), "header_read_timeout must not be zero"),
        (|server| server.write_timeout(Duration::ZERO), "write_timeout must not be zero"),
        (|server| server.http2_idle_timeout(Duration::ZERO), "http2_idle_timeout must not be zero"),
        (|server| server.http2_max_streams(0), "http2_max_streams must be at least 1"),
        (|server| server.max_connections(0), "max_connections must be at least 1"),
        (|server| server.max_header_size(0), "max_header_size must be at least 1 byte"),
        (|server| server.max_headers(0), "max_headers must be at least 1"),
    ];
    for (set, expected) in sets {
        let panic = catch_unwind(|| drop(set(serve(listener().1, Router::new())))).unwrap_err();
        let told = panic.downcast_ref::<String>().cloned();
        let told = told.or_else(|| panic.downcast_ref::<&str>().map(|told| told.to_string()));
        assert_eq!(told.as_deref(), Some(expected));
    }
}

/// Data that the client never takes keeps hyper's task for the stream, which counted as open.
#[tokio::test(start_paused = true)]
async fn http_2_connection_of_a_dead_socket_ends() {
    let service = WebSocketUpgradeLayer::accept_all(async |mut socket: WebSocket| {
        // More than hyper buffers.
        let _ = socket.send(vec![0; 300_000]).await;
        while let Some(Ok(_)) = socket.recv().await {}
    });
    let (connector, _server) = start(service.into_service(), |server| set(server).max_connections(1));
    let mut io = connector.connect();
    let no_window = http2_frames::frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]);
    let request = http2_frames::extended_connect(1, "/");
    io.write_all(&[PREFACE, &no_window, &request].concat()).await.unwrap();
    let answer = http2_frames::read_until(&mut io, |frame| frame.kind == http2_frames::HEADERS).await;
    assert_eq!((answer.stream, answer.payload[0]), (1, 0x88), "{answer:?}");
    let start = Instant::now();
    let goaway = soon(http2_frames::read_until(&mut io, |frame| frame.kind == GOAWAY)).await;
    // Keepalive gives the socket up after 40 s. Then the connection is idle for 11 s.
    assert_eq!((goaway.goaway(), start.elapsed().as_secs()), (Some(0), 51));
    assert_eq!(life(io).await, 5);
    // The connection's permit is free again.
    soon(websocket(connector.connect())).await;
}
