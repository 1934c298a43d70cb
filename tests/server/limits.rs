//! Oversized requests, and floods over HTTP/2.

use std::time::Duration;

use raw_client::http2_frames::{
    ACK, CONTINUATION, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, Frame, HEADERS, PING, RST_STREAM,
    SETTINGS, WINDOW_UPDATE, fields, frame, get, hello, read, read_until,
};
use tokio::{
    io::{AsyncWriteExt, DuplexStream},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tower_websocket::serve;

use crate::{
    client::{Http2, echo, exchange, soon},
    memory::start,
    service::service,
};

async fn status(io: &mut DuplexStream, head: &str) -> String {
    let answer = exchange(io, format!("GET / HTTP/1.1\r\nConnection: close\r\n{head}\r\n").as_bytes()).await;
    String::from_utf8_lossy(&answer[9..12]).into_owned()
}

#[tokio::test]
async fn http_1_1_head_is_limited_in_size_and_fields() {
    let large = |bytes| format!("Host: localhost\r\nX: {}\r\n", "x".repeat(bytes));
    let many = |fields| format!("Host: localhost\r\n{}", "X: 1\r\n".repeat(fields));
    let (connector, _server) = start(service(), |server| server);
    for (head, expected) in
        [(large(32_000), "200"), (large(33_000), "431"), (many(90), "200"), (many(100), "431")]
    {
        assert_eq!(status(&mut connector.connect(), &head).await, expected);
    }
    let (connector, _server) = start(service(), |server| server.max_header_size(1_000_000));
    for (head, expected) in [(large(900_000), "200"), (large(1_000_000), "431")] {
        assert_eq!(status(&mut connector.connect(), &head).await, expected);
    }
    // More than a `HeaderMap` can hold.
    let (connector, _server) =
        start(service(), |server| server.max_header_size(1_000_000).max_headers(usize::MAX));
    for (head, expected) in [(many(24_574), "200"), (many(24_575), "431")] {
        assert_eq!(status(&mut connector.connect(), &head).await, expected);
    }
    let (connector, _server) = start(service(), |server| server.max_header_size(1000).max_headers(10));
    for (head, expected) in [(large(900), "200"), (large(1000), "431"), (many(8), "200"), (many(10), "431")] {
        assert_eq!(status(&mut connector.connect(), &head).await, expected);
    }
}

#[tokio::test]
async fn http_2_head_is_limited_in_size() {
    let (connector, _server) = start(service(), |server| server.max_header_size(2000));
    let mut io = connector.connect();
    let x = "x".repeat(100);
    let many = vec![("x", x.as_str()); 20];
    let pseudo = [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/")];
    let head = [fields(&pseudo), fields(&many)].concat();
    io.write_all(&[hello(), frame(HEADERS, END_STREAM | END_HEADERS, 1, &head)].concat()).await.unwrap();
    let answer = read_until(&mut io, |frame| frame.stream == 1).await;
    // `:status: 431`, compressed.
    assert_eq!((answer.kind, &answer.payload[..]), (HEADERS, &[0x48, 0x83, 0x69, 0x90, 0xff][..]));
    // The connection continues.
    io.write_all(&get(3, "/")).await.unwrap();
    let answer = read_until(&mut io, |frame| frame.stream == 3).await;
    assert_eq!((answer.kind, answer.payload[0]), (HEADERS, 0x88), "{answer:?}");
}

#[tokio::test]
async fn streams_over_the_limit_are_rejected() {
    let (connector, _server) = start(service(), |server| server.http2_max_streams(3));
    let mut io = connector.connect();
    io.write_all(&hello()).await.unwrap();
    for stream in [1, 3, 5, 7] {
        io.write_all(&get(stream, "/?1000")).await.unwrap();
    }
    let refused = read_until(&mut io, |frame| frame.stream > 0).await;
    // REFUSED_STREAM: the client may retry.
    assert_eq!((refused.kind, refused.stream, &refused.payload[..]), (RST_STREAM, 7, &[0, 0, 0, 7][..]));
}

/// Reads until the end of the connection, which must come.
async fn goaway(io: &mut (impl tokio::io::AsyncRead + Unpin)) -> Option<u32> {
    let mut code = None;
    while let Some(frame) = read(io).await {
        code = code.or(frame.goaway());
    }
    code
}

/// Opens streams, and sends the frames of `after` for each, until the server ends the connection.
async fn flood(after: fn(u32) -> Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, service()).into_future());
    let mut healthy = Http2::new(TcpStream::connect(addr).await.unwrap()).await.websocket().await;
    let (mut read, mut write) = TcpStream::connect(addr).await.unwrap().into_split();
    let flood = tokio::spawn(async move {
        write.write_all(&hello()).await.unwrap();
        for first in (1..200_000).step_by(200) {
            let streams = (first..first + 200).step_by(2);
            let burst: Vec<_> = streams.flat_map(|stream| [get(stream, "/?1000"), after(stream)]).collect();
            if write.write_all(&burst.concat()).await.is_err() {
                return;
            }
        }
        panic!("all of it was taken");
    });
    assert_eq!(goaway(&mut read).await, Some(ENHANCE_YOUR_CALM));
    drop(read);
    flood.await.unwrap();
    echo(&mut healthy, "the server continues").await;
}

/// CVE-2023-44487.
#[tokio::test]
async fn rapid_reset_ends_only_the_connection() {
    // CANCEL
    flood(|stream| frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])).await;
}

/// CVE-2025-8671.
#[tokio::test]
async fn provoked_resets_end_only_the_connection() {
    // A window must not grow beyond 2^31 - 1.
    flood(|stream| frame(WINDOW_UPDATE, 0, stream, &[0x7f, 0xff, 0xff, 0xff])).await;
}

#[tokio::test]
async fn flood_of_continuations_ends_the_connection() {
    let (connector, _server) = start(service(), |server| server);
    let (mut read, mut write) = tokio::io::split(connector.connect());
    let flood = tokio::spawn(async move {
        write.write_all(&hello()).await.unwrap();
        let head = fields(&[(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/")]);
        write.write_all(&frame(HEADERS, END_STREAM, 1, &head)).await.unwrap();
        let more = frame(CONTINUATION, 0, 1, &fields(&[("x", "x".repeat(100).as_str()); 10]));
        for _ in 0..100_000 {
            if write.write_all(&more).await.is_err() {
                return;
            }
        }
        panic!("all of it was taken");
    });
    assert!(goaway(&mut read).await.is_some_and(|code| code != 0));
    soon(flood).await.unwrap();
}

/// If a client does not read the answers, the server stops reading from it.
#[tokio::test(start_paused = true)]
async fn answers_to_pings_and_settings_do_not_queue_up() {
    for (kind, payload) in [(PING, &[0; 8][..]), (SETTINGS, &[])] {
        let (connector, _server) = start(service(), |server| server);
        let mut io = connector.connect();
        io.write_all(&hello()).await.unwrap();
        let one = frame(kind, 0, 0, payload);
        let mut sent = 0;
        // Two pipes of 64 KiB, and the buffers of hyper and h2.
        while timeout(Duration::from_secs(1), io.write_all(&one)).await.is_ok_and(|sent| sent.is_ok()) {
            sent += one.len();
            assert!(sent < 1_000_000, "it takes all of them");
        }
        // The connection continues once the client reads.
        let is_answer = |frame: &Frame| frame.kind == kind && frame.flags == ACK;
        for _ in 0..1000 {
            read_until(&mut io, is_answer).await;
        }
    }
}
