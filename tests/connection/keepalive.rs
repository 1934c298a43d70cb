//! Silent peers are pinged, and then disconnected.

use std::{future::poll_fn, pin::Pin, time::Duration};

use futures_util::{FutureExt, Sink};
use raw_client::{
    frame,
    whole::{BINARY, PING, PONG, TEXT},
};
use tokio::time::{Instant, sleep};
use tower_websocket::{Config, Error, Message};

use crate::{
    pair::{Socket, at_once, drive, open, settle},
    transport::{Transport, over_each_transport},
};

over_each_transport! {
    silent_peer_is_pinged_every_twenty_seconds,
    silent_peer_is_disconnected,
    received_data_resets_keepalive,
    pings_are_sent_while_the_handler_writes,
    silent_peer_of_a_writing_handler_is_disconnected,
    peer_stays_connected_while_the_handler_does_not_read,
    peer_stays_connected_while_its_answer_may_be_unread,
    pongs_of_keepalive_pings_are_not_delivered,
    interval_and_timeout_can_be_set_and_disabled,
    reader_without_a_driver_sends_pings,
    silent_peer_is_disconnected_while_the_handler_does_not_read,
    the_peers_end_is_seen_while_the_handler_does_not_read,
    ping_does_not_take_the_space_of_a_message,
    overdue_ping_is_sent_at_the_next_poll,
}

const SECOND: Duration = Duration::from_secs(1);

async fn ignore<T: Transport>(mut socket: Socket<T>) {
    while let Some(Ok(_)) = socket.recv().await {}
}

fn is_timeout(received: Option<Result<Message, Error>>) -> bool {
    matches!(received, Some(Err(Error::Io(error))) if error.kind() == std::io::ErrorKind::TimedOut)
}

async fn silent_peer_is_pinged_every_twenty_seconds<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), ignore::<T>).await;
    let start = Instant::now();
    let mut payloads = Vec::new();
    for n in 1..=3 {
        let payload = pair.recv_ping().await;
        assert_eq!(start.elapsed(), n * 20 * SECOND);
        pair.send(PONG, &payload).await;
        assert!(!payloads.contains(&payload), "each ping has a payload of its own");
        payloads.push(payload);
    }
    pair.send_close(1000, "").await;
    assert_eq!(pair.recv_close().await.0, 1000);
    pair.finish().await;
}

async fn silent_peer_is_disconnected<T: Transport>() {
    let (done, ended) = tokio::sync::oneshot::channel();
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        assert!(is_timeout(socket.recv().await));
        assert!(socket.recv().await.is_none());
        assert!(socket.close_info().unwrap().error().unwrap().contains("ping"));
        done.send(Instant::now()).unwrap();
    })
    .await;
    let start = Instant::now();
    pair.recv_ping().await;
    assert_eq!(ended.await.unwrap(), start + 40 * SECOND);
    assert_eq!(pair.recv_close().await, (1011, "keepalive timeout".into()));
    pair.eof().await;
    pair.finish().await;
}

async fn received_data_resets_keepalive<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), ignore::<T>).await;
    let start = Instant::now();
    let message = frame(TEXT, b"slow");
    for byte in &message {
        sleep(15 * SECOND).await;
        pair.send_raw(&[*byte]).await;
    }
    let sent = start.elapsed();
    pair.recv_ping().await;
    assert_eq!(start.elapsed(), sent + 20 * SECOND);
    pair.send_close(1000, "").await;
    pair.recv_close().await;
    pair.finish().await;
}

async fn pings_are_sent_while_the_handler_writes<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        for _ in 0..10 {
            sleep(15 * SECOND).await;
            if socket.send("tick").await.is_err() {
                break;
            }
        }
    })
    .await;
    let start = Instant::now();
    let mut pings = 0;
    let mut ticks = 0;
    while ticks < 10 {
        match pair.recv().await {
            (PING, payload) => {
                pings += 1;
                assert_eq!(start.elapsed(), pings * 20 * SECOND);
                pair.send(PONG, payload).await;
            }
            (first, _) => {
                ticks += 1;
                assert_eq!((first, start.elapsed()), (TEXT, ticks * 15 * SECOND));
            }
        }
    }
    assert_eq!(pings, 7);
    pair.answer_close(1000).await;
    pair.finish().await;
}

async fn silent_peer_of_a_writing_handler_is_disconnected<T: Transport>() {
    let start = Instant::now();
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        // Not at the same time as the ping: over HTTP/2 the second of two writes waits, and writing
        // it later counts as progress.
        sleep(SECOND / 2).await;
        while socket.send("tick").await.is_ok() {
            sleep(SECOND).await;
        }
    })
    .await;
    let mut pings = 0;
    loop {
        match pair.recv().await.0 {
            PING => pings += 1,
            TEXT => {}
            _ => break,
        }
    }
    assert_eq!((pings, start.elapsed().as_secs()), (1, 40));
    pair.eof().await;
    pair.finish().await;
}

async fn peer_stays_connected_while_the_handler_does_not_read<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        sleep(290 * SECOND).await;
        assert_eq!(socket.recv().await.unwrap().unwrap().to_text().unwrap(), "early");
    })
    .await;
    pair.text("early").await;
    // The answer to each ping arrives after the message.
    let start = Instant::now();
    for n in 1..15 {
        let payload = pair.recv_ping().await;
        assert_eq!(start.elapsed(), n * 20 * SECOND);
        pair.send(PONG, payload).await;
    }
    pair.answer_close(1000).await;
    pair.finish().await;
}

/// There is so much unread data that the answer to a ping may be behind it.
async fn peer_stays_connected_while_its_answer_may_be_unread<T: Transport>() {
    const SIZE: usize = 200_000;
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        sleep(300 * SECOND).await;
        for _ in 0..2 {
            assert_eq!(socket.recv().await.unwrap().unwrap().len(), SIZE);
        }
    })
    .await;
    for _ in 0..2 {
        pair.send(BINARY, vec![0; SIZE]).await;
    }
    let payload = pair.recv_ping().await;
    pair.send(PONG, payload).await;
    pair.answer_close(1000).await;
    pair.finish().await;
}

/// A loop over texts ended after 20 s of silence.
async fn pongs_of_keepalive_pings_are_not_delivered<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        socket.send(Message::Ping("mine".into())).await.unwrap();
        let mut received = Vec::new();
        while let Some(Ok(message)) = socket.recv().await {
            received.push(message.to_string());
        }
        assert_eq!(received.len(), 6, "{received:?}");
    })
    .await;
    assert_eq!(pair.recv().await, (PING, b"mine".to_vec()));
    pair.send(PONG, "mine").await;
    // An unsolicited pong, and pongs that only look like an answer.
    pair.send(PONG, "").await;
    let payload = pair.recv_ping().await;
    pair.send(PONG, &payload[..payload.len() - 1]).await;
    pair.send(PONG, [&payload[..], b"!"].concat()).await;
    pair.send(PONG, [&payload[..payload.len() - 1], &[payload[payload.len() - 1] + 1]].concat()).await;
    pair.send(PONG, &payload).await;
    pair.send_close(1000, "").await;
    assert_eq!(pair.recv_close().await.0, 1000);
    pair.finish().await;
}

async fn interval_and_timeout_can_be_set_and_disabled<T: Transport>() {
    let config = Config::new().keepalive_interval(3 * SECOND).keepalive_timeout(None);
    let mut pair = drive::<T, _>(config, ignore::<T>).await;
    let start = Instant::now();
    pair.recv_ping().await;
    assert_eq!(start.elapsed(), 3 * SECOND);
    sleep(3600 * SECOND).await;
    pair.text("still here").await;
    pair.send_close(1000, "").await;
    assert_eq!(pair.recv_close().await.0, 1000);
    pair.finish().await;

    let mut pair = drive::<T, _>(Config::new().keepalive_interval(None), ignore::<T>).await;
    sleep(3600 * SECOND).await;
    pair.send_close(1000, "").await;
    assert_eq!(pair.recv_close().await.0, 1000);
    pair.finish().await;
}

async fn reader_without_a_driver_sends_pings<T: Transport>() {
    let (mut pair, mut socket) = open::<T>(Config::new(), 1024).await;
    let start = Instant::now();
    assert!(is_timeout(socket.recv().await));
    assert_eq!(start.elapsed(), 40 * SECOND);
    pair.recv_ping().await;
    drop(socket);
    assert_eq!(pair.recv_close().await.0, 1011);
    pair.eof().await;
    pair.finish().await;
}

async fn never_look<T: Transport>(socket: Socket<T>) {
    sleep(100_000 * SECOND).await;
    drop(socket);
}

/// An unread message counted as activity again at each check.
async fn silent_peer_is_disconnected_while_the_handler_does_not_read<T: Transport>() {
    let message = frame(TEXT, b"hello");
    // Whole, within the header, and within the payload.
    for len in [message.len(), 1, 4, 8] {
        let mut pair = drive::<T, _>(Config::new(), never_look::<T>).await;
        sleep(7 * SECOND).await;
        let start = Instant::now();
        pair.send_raw(&message[..len]).await;
        pair.recv_ping().await;
        assert_eq!(start.elapsed(), 20 * SECOND);
        assert_eq!(pair.recv_close().await, (1011, "keepalive timeout".into()));
        assert_eq!(start.elapsed(), 40 * SECOND);
        pair.eof().await;
        pair.shutdown().idle().await;
        assert!(start.elapsed() <= 45 * SECOND);
        pair.finish().await;
    }
}

/// The end of the stream counted as activity at each check, and a Close was found 80 s later.
async fn the_peers_end_is_seen_while_the_handler_does_not_read<T: Transport>() {
    let wait = async |socket: Socket<T>| {
        socket.closed().await;
        assert!(socket.is_closed());
        never_look::<T>(socket).await;
    };
    for unread in ["", "x"] {
        for close in [None, Some(1000)] {
            let mut pair = drive::<T, _>(Config::new(), wait).await;
            if !unread.is_empty() {
                pair.text(unread).await;
            }
            match close {
                Some(code) => {
                    pair.send_close(code, "").await;
                    assert_eq!(at_once(pair.recv_close()).await.0, code);
                }
                None => pair.half_close().await,
            }
            at_once(pair.eof()).await;
            at_once(pair.shutdown().idle()).await;
            pair.finish().await;
        }
    }
}

/// With a full buffer, the ping took the space of a message that waited for it.
async fn ping_does_not_take_the_space_of_a_message<T: Transport>() {
    let config = Config::new().max_write_buffer_size(100_000).keepalive_timeout(None);
    for shift in 0..3 {
        let (mut pair, socket) = open::<T>(config.clone(), 2048).await;
        let (sender, receiver) = socket.split();
        let mut late = sender.clone();
        poll_fn(|cx| Pin::new(&mut late).poll_ready(cx)).await.unwrap();
        sender.send(Message::binary(vec![0; shift])).await.unwrap();
        let mut sent = 1;
        while sender.try_send(Message::binary(vec![1])).is_ok() {
            sent += 1;
        }
        // It was notified of space.
        Pin::new(&mut late).start_send(Message::binary(vec![2; 100_000 + T::AHEAD])).unwrap();
        sleep(21 * SECOND).await;
        let mut received = 0;
        let mut parts = 0;
        let mut pings = 0;
        loop {
            match at_once(pair.recv()).await {
                (BINARY, _) => received += 1,
                (PING, _) => pings += 1,
                (0x02 | 0x00, part) => parts += part.len(),
                (0x80, part) => break assert_eq!(parts + part.len(), 100_000 + T::AHEAD),
                (first, _) => panic!("{first:#x}"),
            }
        }
        assert_eq!((received, pings), (sent, 1));
        drop((sender, late, receiver));
        pair.answer_close(1000).await;
        pair.finish().await;
    }
}

async fn overdue_ping_is_sent_at_the_next_poll<T: Transport>() {
    let (mut pair, mut socket) = open::<T>(Config::new(), 1 << 16).await;
    // The timer is set, and then a message arrives.
    assert!(socket.recv().now_or_never().is_none());
    sleep(SECOND).await;
    pair.text("hello").await;
    settle().await;
    assert_eq!(socket.recv().await.unwrap().unwrap().to_text().unwrap(), "hello");
    sleep(30 * SECOND).await;
    let reading = tokio::spawn(async move {
        assert!(socket.recv().await.unwrap().is_err());
        socket
    });
    let start = Instant::now();
    pair.recv_ping().await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    pair.recv_close().await;
    assert_eq!(start.elapsed(), 20 * SECOND);
    drop(reading.await.unwrap());
    pair.finish().await;
}
