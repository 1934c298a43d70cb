//! HTTP/2 clients that read slowly or not at all: the memory of their streams, and their lives.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use raw_client::http2_frames::{DATA, PING, PREFACE, SETTINGS, WINDOW_UPDATE, extended_connect, frame, read};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split},
    sync::mpsc,
    time::sleep,
};
use tower::{Layer, service_fn};
use tower_websocket::{Config, Message, WebSocket, WebSocketUpgradeLayer, server::HttpService};

use crate::{
    client::{Http2, soon},
    memory::start,
    service::page,
};

/// Returns a service whose WebSockets send without end after the first message.
fn flood(config: Config) -> impl HttpService {
    let layer = WebSocketUpgradeLayer::accept_all(async |mut socket: WebSocket| {
        let _ = socket.recv().await;
        while socket.send(vec![0; 10_000]).await.is_ok() {}
    });
    layer.with_config(config).layer(service_fn(page))
}

/// The client's windows allow 2 MiB. hyper took 587 KB of it from each socket: its own send buffer
/// of 400 KiB, and writes of 64 KiB.
#[tokio::test(start_paused = true)]
async fn stream_buffers_at_most_80_kib_for_a_client_that_does_not_read() {
    let (ended, mut wait) = mpsc::unbounded_channel();
    let config = Config::new().on_end(move |summary| {
        let _ = ended.send(summary.sent.wire_bytes);
    });
    let (connector, _server) = start(flood(config), |server| server);
    let mut io = connector.connect();
    let windows = [
        frame(SETTINGS, 0, 0, &[&[0, 4][..], &(2_u32 << 20).to_be_bytes()].concat()),
        frame(WINDOW_UPDATE, 0, 0, &(1_u32 << 30).to_be_bytes()),
    ];
    let go = raw_client::frame(raw_client::whole::TEXT, b"go");
    let bytes = [PREFACE, &windows.concat(), &extended_connect(1, "/"), &frame(0, 0, 1, &go)].concat();
    io.write_all(&bytes).await.unwrap();
    // Keepalive gives the socket up.
    let accepted = soon(wait.recv()).await.unwrap();
    // The test's pipe holds 64 KiB, and h2 has taken one more frame out of its buffer.
    assert!(accepted <= (64 + 16 + 80) * 1024, "{accepted} bytes");
}

/// Returns the client's end of a link to `server` on which `rate` bytes per second arrive.
fn slow_link(server: DuplexStream, rate: usize) -> DuplexStream {
    let (client, near) = duplex(16 * 1024);
    let (mut from_client, mut to_client) = split(near);
    let (mut from_server, mut to_server) = split(server);
    tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    tokio::spawn(async move {
        let mut bytes = vec![0; rate / 50];
        while let Ok(n @ 1..) = from_server.read(&mut bytes).await {
            if to_client.write_all(&bytes[..n]).await.is_err() {
                break;
            }
            sleep(Duration::from_secs(1) * n as u32 / rate as u32).await;
        }
    });
    client
}

/// The windows are those of hyper's client: 2 MiB for each stream, 5 MiB for the connection. The
/// first streams had all of the connection's window for data that h2 had not sent yet, which is 80
/// s of this link. The other sockets looked dead.
#[tokio::test(start_paused = true)]
async fn fifty_sockets_on_a_slow_connection_stay_open() {
    let ended = Arc::new(AtomicUsize::new(0));
    let ends = Arc::clone(&ended);
    let config = Config::new().on_end(move |_| {
        ends.fetch_add(1, Ordering::Relaxed);
    });
    let (connector, _server) = start(flood(config), |server| server);
    let mut http = Http2::new(slow_link(connector.connect(), 60_000)).await;
    let mut sockets = Vec::new();
    for _ in 0..50 {
        sockets.push(http.websocket().await);
    }
    for mut socket in sockets {
        socket.send(Message::text("go")).await.unwrap();
        tokio::spawn(async move { while let Some(Ok(_)) = socket.next().await {} });
    }
    sleep(Duration::from_secs(200)).await;
    assert_eq!(ended.load(Ordering::Relaxed), 0);
}

/// Returns how many bytes of data a client receives with a window of 100 bytes if it answers each
/// frame of data like this. The server sends a message of 36,000 bytes, and does not wait for
/// progress for longer than 10 s after the socket's end.
async fn received(answer: impl Fn(&[u8]) -> Vec<u8>) -> usize {
    let service = WebSocketUpgradeLayer::accept_all(async |mut socket: WebSocket| {
        let _ = socket.send(vec![0; 36_000]).await;
    });
    let (connector, _server) =
        start(service.into_service(), |server| server.http2_idle_timeout(Duration::from_secs(10)));
    let mut io = connector.connect();
    let window = frame(SETTINGS, 0, 0, &[&[0, 4][..], &100_u32.to_be_bytes()].concat());
    io.write_all(&[PREFACE, &window, &extended_connect(1, "/")].concat()).await.unwrap();
    let mut received = 0;
    loop {
        match read(&mut io).await {
            Some(data) if data.kind == DATA && data.flags == 0 => {
                received += data.payload.len();
                sleep(Duration::from_millis(250)).await;
                if io.write_all(&answer(&data.payload)).await.is_err() {
                    return received;
                }
            }
            Some(pong) if pong.kind == PING && pong.payload == [7; 8] => {
                sleep(Duration::from_millis(250)).await;
                if io.write_all(&answer(&[])).await.is_err() {
                    return received;
                }
            }
            Some(end) if end.kind == DATA => return received + end.payload.len(),
            Some(_) => {}
            None => return received,
        }
    }
}

/// Each frame is smaller than the writes that count as progress.
#[tokio::test(start_paused = true)]
async fn data_may_be_read_in_small_windows() {
    let update = |data: &[u8]| frame(WINDOW_UPDATE, 0, 1, &(data.len() as u32).to_be_bytes());
    // The message, with its header, and a Close.
    assert_eq!(soon(received(update)).await, 36_004 + 4);
}

/// The server writes a reply to each ping.
#[tokio::test(start_paused = true)]
async fn pings_do_not_keep_unread_data() {
    assert_eq!(soon(received(|_| frame(PING, 0, 0, &[7; 8]))).await, 100);
}
