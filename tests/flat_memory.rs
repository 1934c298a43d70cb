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
use raw_client::opening;
use tokio::{
    io::duplex,
    join,
    net::TcpListener,
    sync::mpsc,
    time::{sleep, timeout},
};
use tokio_tungstenite::connect_async;
use tower_websocket::{AcceptAll, Acceptor, Message, WebSocket, WebSocketUpgradeLayer, serve};

#[tokio::test]
async fn peer_that_never_reads_costs_bounded_memory() {
    small_messages_count_what_they_take().await;
    large_messages_wait().await;
}

/// Sockets whose write buffers are full of small messages.
async fn small_messages_count_what_they_take() {
    const LIMIT: usize = 1 << 20;
    const COUNT: usize = 4;
    for len in [0, 1, 50] {
        let mut all = Vec::new();
        for _ in 0..COUNT {
            let (mut client, server) = duplex(4096);
            let acceptor = Acceptor::new(AcceptAll);
            let (accepted, opened) = join!(acceptor.accept(server), opening::open(&mut client, "/", ""));
            opened.unwrap();
            all.push((client, accepted.unwrap().0));
        }
        let before = resident();
        for (_, socket) in &mut all {
            while socket.try_send(Message::binary(vec![1; len])).is_ok() {}
        }
        let each = resident().saturating_sub(before) / COUNT;
        eprintln!("messages of {len} bytes: {} KiB wait", each >> 10);
        assert!(each < 3 * LIMIT, "{each} bytes");
        // Memory that is freed here would be used again for the next.
        all.leak();
    }
}

/// 1,000 messages of 64 KiB to a peer that never reads: `send` waits, and memory stays flat.
async fn large_messages_wait() {
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
