//! Limits on the resources that a peer can use.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use raw_client::{
    frame,
    whole::{BINARY, PING, PONG, TEXT},
};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout},
};
use tower_websocket::{Config, Error, Message, tungstenite::error::ProtocolError};

use crate::{
    pair::{Socket, at_once, drive, open, settle},
    transport::{Transport, over_each_transport},
};

over_each_transport! {
    send_waits_for_a_stalled_peer,
    driven_sender_waits_until_the_peer_reads,
    data_in_flight_to_a_slow_peer_is_bounded,
    large_messages_are_sent_as_fragments_of_63_kib,
    pong_overtakes_the_fragments_of_a_large_message,
    unanswered_pings_are_merged,
    last_pong_is_sent_although_the_buffer_was_full,
    freeing_idle_buffers_loses_nothing,
    header_without_its_payload_costs_nothing,
    ping_or_pong_of_more_than_125_bytes_is_rejected,
    unlimited_settings_never_elapse,
}

const SECOND: Duration = Duration::from_secs(1);

async fn send_waits_for_a_stalled_peer<T: Transport>() {
    let room = 64 << 10;
    let config = Config::new().max_write_buffer_size(256 << 10).keepalive_interval(None);
    let (mut pair, mut socket) = open::<T>(config, room).await;
    let mut sent = 0;
    while timeout(SECOND, socket.send(Message::binary(vec![7; 16 << 10]))).await.is_ok() {
        sent += 16 << 10;
        assert!(sent < 1 << 20, "send never waits");
    }
    // Without a driver each message is flushed, so sending waits once the stream is full. The
    // waiting message is sent.
    assert!((room - (16 << 10)..=room + T::AHEAD).contains(&sent), "{sent}");
    let (more, ()) = tokio::join!(socket.send("more"), async {
        for _ in 0..=sent / (16 << 10) {
            assert_eq!(pair.recv().await, (BINARY, vec![7; 16 << 10]));
        }
    });
    more.unwrap();
    drop(socket);
    assert_eq!(pair.recv_text().await, "more");
    pair.answer_close(1000).await;
    pair.finish().await;
}

async fn driven_sender_waits_until_the_peer_reads<T: Transport>() {
    let config = Config::new().max_write_buffer_size(100_000).keepalive_interval(None);
    let (blocked, waits) = oneshot::channel();
    let mut pair = drive::<T, _>(config, async |mut socket: Socket<T>| {
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
    assert!((104..=125 + T::AHEAD / 10_000).contains(&sent), "{sent}");
    let mut received = 0;
    while pair.recv().await.0 == BINARY {
        received += 1;
    }
    assert_eq!(received, 300);
    pair.send_close(1000, "").await;
    pair.finish().await;
}

/// Over HTTP/2, hyper accepts each write whole, regardless of its size, and four of them.
async fn data_in_flight_to_a_slow_peer_is_bounded<T: Transport>() {
    const SIZE: usize = 16 << 10;
    let (limit, room) = (1 << 20, 64 << 10);
    let config = Config::new().max_write_buffer_size(limit).keepalive_interval(None);
    let (mut pair, socket) = open::<T>(config, room).await;
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let sending = tokio::spawn(socket.drive(async move |mut socket: Socket<T>| {
        while socket.send(Message::binary(vec![0; SIZE])).await.is_ok() {
            counter.fetch_add(SIZE, Ordering::Relaxed);
        }
    }));
    let mut read = 0;
    for _ in 0..200 {
        settle().await;
        let ahead = sent.load(Ordering::Relaxed) - read;
        assert!(ahead <= room + limit + T::AHEAD + 4 * SIZE, "{ahead} bytes are on their way");
        read += pair.recv().await.1.len();
    }
    pair.shutdown().start();
    while pair.recv().await.0 == BINARY {}
    pair.send_close(1001, "").await;
    sending.await.unwrap();
    pair.finish().await;
}

async fn large_messages_are_sent_as_fragments_of_63_kib<T: Transport>() {
    let payload: Vec<u8> = (0..150_000u32).map(|i| i as u8).collect();
    let sent = payload.clone();
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        socket.send(Message::binary(sent)).await.unwrap();
        socket.send("after").await.unwrap();
    })
    .await;
    let frames = [pair.recv().await, pair.recv().await, pair.recv().await];
    assert_eq!(frames.each_ref().map(|(first, _)| *first), [0x02, 0x00, 0x80]);
    assert_eq!(frames.each_ref().map(|(_, part)| part.len()), [64_512, 64_512, 20_976]);
    assert_eq!(frames.map(|(_, part)| part).concat(), payload);
    assert_eq!(pair.recv_text().await, "after");
    pair.answer_close(1000).await;
    pair.finish().await;
}

async fn pong_overtakes_the_fragments_of_a_large_message<T: Transport>() {
    let (mut pair, socket) = open::<T>(Config::new(), 64 << 10).await;
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
    assert!(before <= 3 + T::AHEAD / 65_536, "the pong came after {before} more of 15 fragments");
    while pair.recv().await.0 != 0x80 {}
    sending.await.unwrap();
    pair.answer_close(1000).await;
    receiving.await.unwrap();
    pair.finish().await;
}

/// A flood of pings from a peer that does not read costs a bounded buffer, not a pong for each.
async fn unanswered_pings_are_merged<T: Transport>() {
    let config = Config::new().max_write_buffer_size(1000).keepalive_interval(None);
    let (mut pair, mut socket) = open::<T>(config, 1 << 12).await;
    let reader = tokio::spawn(async move { while let Some(Ok(_)) = socket.recv().await {} });
    let pings = frame(PING, &[b'p'; 125]).repeat(1000);
    for _ in 0..100 {
        // 13 MB of pings, and no pong is read.
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

/// tungstenite kept an answer that did not fit into its buffer, and did not report it when the
/// whole buffer was written at once.
async fn last_pong_is_sent_although_the_buffer_was_full<T: Transport>() {
    let room = 256 << 10;
    let config = Config::new().max_write_buffer_size(1000).keepalive_interval(None);
    let (mut pair, mut socket) = open::<T>(config, room).await;
    let reader = tokio::spawn(async move { while let Some(Ok(_)) = socket.recv().await {} });
    // Each pong has 64 bytes, and the buffer has space for less than 200 KiB.
    pair.send_raw(&frame(PING, &[b'p'; 62]).repeat((room + T::AHEAD + (200 << 10)) / 64)).await;
    pair.send(PING, [b'l'; 62]).await;
    settle().await;
    pair.recv_raw(room).await;
    while at_once(pair.recv()).await != (PONG, vec![b'l'; 62]) {}
    pair.send_close(1000, "").await;
    pair.recv_close().await;
    reader.await.unwrap();
    pair.finish().await;
}

async fn freeing_idle_buffers_loses_nothing<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
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
        // The buffers are freed after an idle second. A frame may arrive before, meanwhile and
        // after.
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

/// A header alone made tungstenite allocate the announced length, which panicked or aborted the
/// process.
async fn header_without_its_payload_costs_nothing<T: Transport>() {
    let config =
        Config::new().max_frame_size(usize::MAX).max_message_size(usize::MAX).keepalive_interval(None);
    for opcode in [BINARY, TEXT] {
        for len in [1u64 << 40, 1 << 47, (1 << 63) - 1] {
            let (done, received) = oneshot::channel();
            let mut pair = drive::<T, _>(config.clone(), async |mut socket: Socket<T>| {
                done.send(socket.recv().await.unwrap()).unwrap();
                assert!(socket.recv().await.is_none());
            })
            .await;
            pair.send_raw(&[opcode, 0xff]).await;
            pair.send_raw(&len.to_be_bytes()).await;
            pair.send_raw(&[0; 4]).await;
            sleep(60 * SECOND).await;
            assert_eq!(pair.shutdown().connections(), 1);
            pair.send_raw(&[b'x'; 1000]).await;
            pair.half_close().await;
            let error = at_once(received).await.unwrap().unwrap_err();
            assert!(
                matches!(error, Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)),
                "{len:#x}: {error:?}"
            );
            pair.eof().await;
            pair.finish().await;
        }
        // The most significant bit must be 0 (RFC 6455 §5.2). It is rejected by the header, without
        // the mask.
        for len in [1u64 << 63, u64::MAX] {
            let (done, received) = oneshot::channel();
            let mut pair = drive::<T, _>(config.clone(), async |mut socket: Socket<T>| {
                done.send(socket.recv().await.unwrap()).unwrap();
                assert!(socket.recv().await.is_none());
            })
            .await;
            pair.send_raw(&[opcode, 0xff]).await;
            pair.send_raw(&len.to_be_bytes()).await;
            assert_eq!(at_once(pair.recv_close()).await.0, 1002);
            let error = at_once(received).await.unwrap().unwrap_err();
            assert!(matches!(error, Error::Protocol(_)), "{len:#x}: {error:?}");
            pair.finish().await;
        }
    }
}

/// The peer had to fail the connection with 1002 because of the sent frame (RFC 6455 §5.5).
async fn ping_or_pong_of_more_than_125_bytes_is_rejected<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        for message in [Message::Ping(vec![0; 126].into()), Message::Pong(vec![0; 126].into())] {
            let error = socket.send(message).await.unwrap_err();
            assert!(matches!(error, Error::Protocol(ProtocolError::ControlFrameTooBig)), "{error:?}");
        }
        socket.send(Message::Ping(vec![0; 125].into())).await.unwrap();
    })
    .await;
    assert_eq!(pair.recv().await, (PING, vec![0; 125]));
    pair.answer_close(1000).await;
    pair.finish().await;
}

/// Returns a configuration with the largest value of every setting.
pub(crate) fn endless() -> Config {
    Config::new()
        .max_message_size(usize::MAX)
        .max_frame_size(usize::MAX)
        .max_write_buffer_size(usize::MAX)
        .handshake_timeout(Duration::MAX)
        .request_head_timeout(Duration::MAX)
        .keepalive_interval(Duration::MAX)
        .keepalive_timeout(Duration::MAX)
        .close_timeout(Duration::MAX)
        .max_connections(usize::MAX)
}

/// The largest values panicked: they exceeded the representable time, or the permits of a
/// semaphore.
async fn unlimited_settings_never_elapse<T: Transport>() {
    const HOUR: Duration = Duration::from_secs(3600);
    let (done, over) = oneshot::channel();
    let mut pair = drive::<T, _>(endless(), async |mut socket: Socket<T>| {
        while let Some(Ok(message)) = socket.recv().await {
            if message.is_text() {
                socket.send(message).await.unwrap();
            }
        }
        done.send(()).unwrap();
    })
    .await;
    assert!(timeout(HOUR, pair.recv()).await.is_err());
    pair.text("still here").await;
    assert_eq!(pair.recv_text().await, "still here");
    let draining = tokio::spawn({
        let shutdown = pair.shutdown().clone();
        async move { shutdown.drain(Duration::MAX).await }
    });
    assert_eq!(pair.recv_close().await.0, 1001);
    assert!(timeout(HOUR, pair.recv()).await.is_err());
    pair.send_close(1001, "").await;
    pair.eof().await;
    assert_eq!(draining.await.unwrap(), 0);
    over.await.expect("the handler's task does not panic");
    pair.finish().await;

    // One ping, whose answer is awaited without limit.
    let mut pair =
        drive::<T, _>(
            endless().keepalive_interval(SECOND),
            async |mut socket: Socket<T>| {
                while let Some(Ok(_)) = socket.recv().await {}
            },
        )
        .await;
    pair.recv_ping().await;
    assert!(timeout(HOUR, pair.recv()).await.is_err());
    pair.send_close(1000, "").await;
    pair.recv_close().await;
    pair.finish().await;
}
