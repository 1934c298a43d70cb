//! What a peer may cost.

use std::time::Duration;

use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout},
};
use tower_websocket::{Config, Message};

use crate::pair::{BINARY, PING, PONG, Socket, TEXT, drive, frame, open};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_makes_send_wait() {
    let room = 64 << 10;
    let config = Config::new().max_write_buffer_size(256 << 10).keepalive_interval(None);
    let (mut pair, mut socket) = open(config, room).await;
    let mut sent = 0;
    while timeout(SECOND, socket.send(Message::binary(vec![7; 16 << 10]))).await.is_ok() {
        sent += 16 << 10;
        assert!(sent < 1 << 20, "send never waits");
    }
    // Without a driver each message is flushed, so it waits once the stream is full. The message that waited is sent.
    assert_eq!(sent, room - (16 << 10));
    let (more, ()) = tokio::join!(socket.send("more"), async {
        for _ in 0..4 {
            assert_eq!(pair.recv().await, (BINARY, vec![7; 16 << 10]));
        }
    });
    more.unwrap();
    drop(socket);
    assert_eq!(pair.recv_text().await, "more");
    pair.answer_close(1000).await;
    pair.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_driven_sender_waits_too_and_goes_on_when_the_peer_reads() {
    let config = Config::new().max_write_buffer_size(100_000).keepalive_interval(None);
    let (blocked, waits) = oneshot::channel();
    let mut pair = drive(config, async |mut socket: Socket| {
        let mut sent = 0;
        let mut blocked = Some(blocked);
        while sent < 300 {
            match timeout(SECOND, socket.send(Message::binary(vec![1; 10_000]))).await {
                Ok(result) => {
                    result.unwrap();
                    sent += 1;
                }
                Err(_) => {
                    if let Some(blocked) = blocked.take() {
                        blocked.send(sent).unwrap();
                    }
                }
            }
        }
    })
    .await;
    // 1 MiB in the stream and 100 kB in the buffer, and no more.
    let sent = waits.await.unwrap();
    assert!((104..=125).contains(&sent), "{sent}");
    let mut received = 0;
    while pair.recv().await.0 == BINARY {
        received += 1;
    }
    assert_eq!(received, 300);
    pair.send_close(1000, "").await;
    pair.finish().await;
}

#[tokio::test(start_paused = true)]
async fn large_messages_leave_as_fragments_of_64_kib() {
    let payload: Vec<u8> = (0..150_000u32).map(|i| i as u8).collect();
    let sent = payload.clone();
    let mut pair = drive(Config::new(), async |mut socket: Socket| {
        socket.send(Message::binary(sent)).await.unwrap();
        socket.send("after").await.unwrap();
    })
    .await;
    let frames = [pair.recv().await, pair.recv().await, pair.recv().await];
    assert_eq!(frames.each_ref().map(|(first, _)| *first), [0x02, 0x00, 0x80]);
    assert_eq!(frames.each_ref().map(|(_, part)| part.len()), [65_536, 65_536, 18_928]);
    assert_eq!(frames.map(|(_, part)| part).concat(), payload);
    assert_eq!(pair.recv_text().await, "after");
    pair.answer_close(1000).await;
    pair.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_pong_overtakes_the_fragments_of_a_large_message() {
    let (mut pair, socket) = open(Config::new(), 64 << 10).await;
    let (sender, mut receiver) = socket.split();
    let sending = tokio::spawn(async move {
        sender.send(Message::binary(vec![0; 1 << 20])).await.unwrap();
        sender.flush().await.unwrap();
    });
    let receiving = tokio::spawn(async move { while let Some(Ok(_)) = receiver.recv().await {} });
    assert_eq!(pair.recv().await.0, 0x02);
    pair.send(PING, "now").await;
    let mut before = 0;
    while pair.recv().await.0 != PONG {
        before += 1;
    }
    assert!(before <= 3, "the pong came after {before} more of 15 fragments");
    while pair.recv().await.0 != 0x80 {}
    sending.await.unwrap();
    pair.answer_close(1000).await;
    receiving.await.unwrap();
    pair.finish().await;
}

/// A flood of pings from a peer that does not read costs a bounded buffer, not a pong for each.
#[tokio::test(start_paused = true)]
async fn unanswered_pings_are_merged() {
    let config = Config::new().max_write_buffer_size(1000).keepalive_interval(None);
    let (mut pair, mut socket) = open(config, 1 << 12).await;
    let reader = tokio::spawn(async move { while let Some(Ok(_)) = socket.recv().await {} });
    let pings = frame(PING, &[b'p'; 125]).repeat(1000);
    for _ in 0..100 {
        // 13 MB of pings, not one pong read.
        pair.send_raw(&pings).await;
    }
    pair.send(PING, "last").await;
    let start = Instant::now();
    sleep(SECOND).await;
    let mut pongs = 0;
    loop {
        let (first, payload) = pair.recv().await;
        assert_eq!(first, PONG);
        pongs += 1;
        if payload == b"last" {
            break;
        }
    }
    assert!(pongs < 4000, "{pongs} pongs were kept for 100000 pings");
    assert!(start.elapsed() < 5 * SECOND);
    pair.send_close(1000, "").await;
    pair.recv_close().await;
    reader.await.unwrap();
    pair.finish().await;
}

#[tokio::test(start_paused = true)]
async fn buffers_given_back_at_rest_lose_nothing() {
    let mut pair = drive(Config::new(), async |mut socket: Socket| {
        while let Some(Ok(message)) = socket.recv().await {
            if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
                break;
            }
        }
    })
    .await;
    for round in 0..5u8 {
        let large = vec![round; 100_000];
        pair.send(BINARY, &large).await;
        let mut received = Vec::new();
        while received.len() < large.len() {
            received.extend(pair.recv().await.1);
        }
        assert_eq!(received, large);
        // The buffers go after a second of rest; a frame may come before, in the middle and after.
        let small = frame(TEXT, b"small");
        sleep(Duration::from_millis(u64::from(round) * 400)).await;
        pair.send_raw(&small[..4]).await;
        sleep(2 * SECOND).await;
        pair.send_raw(&small[4..]).await;
        assert_eq!(pair.recv_text().await, "small");
    }
    sleep(2 * SECOND).await;
    pair.text("after").await;
    assert_eq!(pair.recv_text().await, "after");
    pair.send_close(1000, "").await;
    pair.recv_close().await;
    pair.finish().await;
}
