//! Futures that are documented as cancel safe lose nothing when they are dropped.

use std::{future::Future, task::Poll};

use futures_util::FutureExt;
use raw_client::{frame, whole::TEXT};
use tower_websocket::{Config, Message};

use crate::{
    pair::{Socket, drive, open, settle},
    transport::{Transport, over_each_transport},
};

over_each_transport! {
    dropped_recv_loses_nothing,
    cancelled_send_is_whole_or_absent,
    polled_close_is_sent,
    socket_of_a_dropped_driver_closes_in_the_background,
}

/// Polls `future` up to `n` times, and drops it if it is not ready by then.
async fn poll_n<F: Future>(future: F, n: usize) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    let mut left = n;
    std::future::poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        left = left.saturating_sub(1);
        if left == 0 {
            return Poll::Ready(None);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

async fn dropped_recv_loses_nothing<T: Transport>() {
    let (mut pair, mut socket) = open::<T>(Config::new(), 1 << 16).await;
    let mut stream = Vec::new();
    for n in 0..20 {
        stream.extend(frame(TEXT, n.to_string().as_bytes()));
        stream.extend(frame(0x89, b"between"));
    }
    let mut received = Vec::new();
    // Byte by byte, so that the future is dropped at every place in a frame.
    for byte in stream {
        pair.send_raw(&[byte]).await;
        settle().await;
        while let Some(Some(Ok(message))) = poll_n(socket.recv(), 1).await {
            if let Message::Text(text) = message {
                received.push(text.to_string());
            }
        }
    }
    let expected: Vec<_> = (0..20).map(|n| n.to_string()).collect();
    assert_eq!(received, expected);
    for _ in 0..20 {
        assert_eq!(pair.recv().await, (0x8a, b"between".to_vec()));
    }
    drop(socket);
    pair.answer_close(1000).await;
    pair.finish().await;
}

async fn cancelled_send_is_whole_or_absent<T: Transport>() {
    let config = Config::new().max_write_buffer_size(100);
    let (mut pair, mut socket) = open::<T>(config, 256).await;
    let mut sent = Vec::new();
    for n in 0..200usize {
        let message = format!("{n}:{}", "x".repeat(n % 90));
        if poll_n(socket.send(message.clone()), n % 3 + 1).await.is_some() {
            sent.push((n, true));
        } else {
            sent.push((n, false));
        }
        if n % 7 == 0 {
            let text = pair.recv_text().await;
            sent.retain(|(m, _)| !text.starts_with(&format!("{m}:")));
        }
    }
    drop(socket);
    // Completed sends arrive once and in order. Each cancelled send arrives whole or not at all.
    let mut last = 0;
    while let Some((first, payload)) = pair.try_recv().await {
        if first != TEXT {
            break;
        }
        let text = String::from_utf8(payload).unwrap();
        let (n, rest) = text.split_once(':').unwrap();
        let n: usize = n.parse().unwrap();
        assert_eq!(rest, "x".repeat(n % 90));
        assert!(n >= last);
        last = n;
        sent.retain(|(m, _)| *m != n);
    }
    assert!(sent.iter().all(|(_, done)| !done), "{sent:?} were sent but did not arrive");
    pair.send_close(1000, "").await;
    pair.finish().await;
}

async fn polled_close_is_sent<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        assert!(socket.close(tower_websocket::CloseCode::GOING_AWAY, "").now_or_never().is_none());
    })
    .await;
    pair.answer_close(1001).await;
    pair.finish().await;
}

async fn socket_of_a_dropped_driver_closes_in_the_background<T: Transport>() {
    let (mut pair, socket) = open::<T>(Config::new(), 1024).await;
    let driver = socket.drive(async |mut socket: Socket<T>| {
        socket.recv().await;
    });
    assert!(poll_n(driver, 3).await.is_none());
    pair.answer_close(1000).await;
    pair.finish().await;
}
