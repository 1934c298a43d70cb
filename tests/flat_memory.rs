//! A peer that never reads costs bounded memory. The test has its own process, whose memory is
//! measured.
#![cfg(target_os = "linux")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{net::TcpListener, time::timeout};
use tokio_tungstenite::connect_async;
use tower_websocket::{AcceptAll, Message, WebSocketUpgradeLayer, serve};

/// 1,000 messages of 64 KiB to a peer that never reads: `send` waits, and memory stays flat.
#[tokio::test]
async fn peer_that_never_reads_costs_bounded_memory() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let layer = WebSocketUpgradeLayer::new(AcceptAll, move |mut socket, ()| {
        let sent = Arc::clone(&counter);
        async move {
            for _ in 0..1000 {
                if socket.send(Message::binary(vec![1; 64 << 10])).await.is_err() {
                    break;
                }
                sent.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let server = serve(listener, layer.into_service());
    let shutdown = server.shutdown().clone();
    tokio::spawn(server.into_future());
    let before = resident();
    let (client, _) = connect_async(format!("ws://{addr}")).await.unwrap();
    // It is stalled if it has made no progress for a while, regardless of the size of the kernel's
    // buffers.
    let mut last = usize::MAX;
    while last != sent.load(Ordering::Relaxed) {
        last = sent.load(Ordering::Relaxed);
        let _ = timeout(Duration::from_millis(300), std::future::pending::<()>()).await;
    }
    let grown = resident().saturating_sub(before);
    eprintln!("{last} of 1000 messages sent, {} KiB of memory more", grown >> 10);
    assert!(last < 1000, "send never waits");
    assert!(grown < 8 << 20, "{grown} bytes");
    drop(client);
    shutdown.idle().await;
}

/// Returns the resident memory of this process, in bytes.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}
