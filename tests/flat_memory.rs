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

use own_process::resident;
use tokio::{
    net::TcpListener,
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_tungstenite::connect_async;
use tower_websocket::{AcceptAll, Message, WebSocket, WebSocketUpgradeLayer, serve};

/// 1,000 messages of 64 KiB to a peer that never reads: `send` waits, and memory stays flat.
#[tokio::test]
async fn peer_that_never_reads_costs_bounded_memory() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let (tell, mut senders) = mpsc::unbounded_channel();
    let layer = WebSocketUpgradeLayer::new(AcceptAll, move |socket: WebSocket, ()| {
        let (sent, tell) = (Arc::clone(&counter), tell.clone());
        async move {
            let (sender, _receiver) = socket.split();
            let _ = tell.send(sender.clone());
            for _ in 0..1000 {
                if sender.send(Message::binary(vec![1; 64 << 10])).await.is_err() {
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
    let sender = senders.recv().await.unwrap();
    // The system's buffers are full, regardless of their size.
    let full = timeout(Duration::from_secs(60), async {
        while sender.stalled() < Some(Duration::from_secs(1)) {
            sleep(Duration::from_millis(10)).await;
        }
    });
    full.await.expect("the system accepts no more");
    let last = sent.load(Ordering::Relaxed);
    let grown = resident().saturating_sub(before);
    eprintln!("{last} of 1000 messages sent, {} KiB of memory more", grown >> 10);
    assert!(last < 1000, "send never waits");
    assert!(grown < 8 << 20, "{grown} bytes");
    drop((client, sender));
    shutdown.idle().await;
}
