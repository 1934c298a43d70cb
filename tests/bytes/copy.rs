//! Copies between WebSockets and TCP.

use std::{future::IntoFuture, net::SocketAddr, time::Instant};

use futures_util::{SinkExt, StreamExt};
use http::{Request, Response};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::connect_async;
use tower_websocket::{Handshake, Message, Rejection, WebSocket, WebSocketUpgradeLayer, handshake_fn, serve};

/// The data in one direction. It does not repeat.
struct Pattern(u64);

impl Pattern {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = (self.0 >> 56) as u8;
        }
    }

    fn check(&mut self, bytes: &[u8]) {
        let mut expected = vec![0; bytes.len()];
        self.fill(&mut expected);
        assert!(expected == bytes, "other bytes than were sent");
    }
}

/// Starts a server that sends `len` bytes, checks the same number of bytes, and then ends its side.
async fn upstream(len: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        let (mut read, mut write) = tcp.into_split();
        let sending = tokio::spawn(async move {
            let mut pattern = Pattern(1);
            let mut bytes = vec![0; 10_000];
            let mut left = len;
            while left > 0 {
                let n = bytes.len().min(left);
                pattern.fill(&mut bytes[..n]);
                write.write_all(&bytes[..n]).await.unwrap();
                left -= n;
            }
            write
        });
        let mut pattern = Pattern(2);
        let mut bytes = vec![0; 64 << 10];
        let mut left = len;
        while left > 0 {
            let n = read.read(&mut bytes).await.unwrap();
            assert!(n > 0, "{left} bytes are missing");
            pattern.check(&bytes[..n]);
            left -= n;
        }
        drop(sending.await.unwrap());
        assert_eq!(read.read(&mut bytes).await.unwrap(), 0);
    });
    addr
}

async fn connect(addr: SocketAddr, request: Request<Handshake>) -> Result<Response<TcpStream>, Rejection> {
    let tcp = TcpStream::connect(addr).await.map_err(|_| http::StatusCode::BAD_GATEWAY)?;
    Ok(request.into_body().accept(tcp))
}

async fn tunnel(socket: WebSocket, mut tcp: TcpStream) -> std::io::Result<()> {
    copy_bidirectional(&mut socket.into_byte_stream(), &mut tcp).await?;
    Ok(())
}

/// Copies in both directions at once, to both ends.
async fn copy(len: usize) {
    let handshake = handshake_fn(upstream(len).await, connect);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", listener.local_addr().unwrap());
    tokio::spawn(serve(listener, WebSocketUpgradeLayer::new(handshake, tunnel).into_service()).into_future());
    let (mut sink, mut stream) = connect_async(url).await.unwrap().0.split();
    let sending = tokio::spawn(async move {
        let mut pattern = Pattern(2);
        let mut left = len;
        // Messages of any size.
        for n in [1, 100, 0, 5000, 70_000, 16_384, 1_000_000].into_iter().cycle() {
            let n = left.min(n);
            let mut bytes = vec![0; n];
            pattern.fill(&mut bytes);
            sink.send(Message::binary(bytes)).await.unwrap();
            left -= n;
            if left == 0 {
                return sink;
            }
        }
        unreachable!("the sizes repeat");
    });
    let (mut pattern, mut received, mut close) = (Pattern(1), 0, None);
    while let Some(message) = stream.next().await {
        match message.unwrap() {
            Message::Binary(bytes) => {
                pattern.check(&bytes);
                received += bytes.len();
            }
            Message::Close(frame) => close = frame,
            message => assert!(message.is_ping(), "{message:?}"),
        }
    }
    assert_eq!(received, len);
    // The upstream server ends its side once it has received everything.
    assert_eq!(close.map(|frame| u16::from(frame.code)), Some(1000));
    drop(sending.await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copy_in_both_directions_is_intact() {
    copy(3_000_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "copies 100 MB each way"]
async fn hundred_megabytes_in_each_direction_are_intact() {
    let start = Instant::now();
    copy(100_000_000).await;
    eprintln!("100 MB each way, checked, in {:?}", start.elapsed());
}
