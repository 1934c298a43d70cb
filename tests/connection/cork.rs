//! Messages that the handler's own task sends are written together, and without delay.

use std::time::Duration;

use futures_util::{StreamExt, stream::FuturesUnordered};
use raw_client::{frame, whole::TEXT};
use tokio::time::{sleep, timeout};
use tower_websocket::Config;

use crate::{
    pair::{Pair, Socket, drive},
    transport::{Transport, over_each_transport},
};

over_each_transport! {
    messages_of_one_packet_are_answered_in_one_write,
    without_cork_each_message_is_a_write,
    select_join_and_timeout_keep_corking,
    messages_arrive_before_a_waiting_handler_continues,
    another_task_flushes_at_once,
    future_with_its_own_waker_flushes_at_once,
    messages_of_a_handler_that_never_waits_are_written,
}

async fn echo<T: Transport>(mut socket: Socket<T>) {
    while let Some(Ok(message)) = socket.recv().await {
        if message.is_text() && socket.send(message).await.is_err() {
            break;
        }
    }
}

/// Sends sixteen messages in one packet, and returns how many writes the answers took.
async fn sixteen<T: Transport>(pair: &mut Pair<T>) -> usize {
    let before = pair.writes();
    pair.send_raw(&frame(TEXT, b"hello").repeat(16)).await;
    for _ in 0..16 {
        assert_eq!(pair.recv_text().await, "hello");
    }
    pair.writes() - before
}

async fn close<T: Transport>(mut pair: Pair<T>) {
    pair.send_close(1000, "").await;
    pair.recv_close().await;
    pair.finish().await;
}

async fn messages_of_one_packet_are_answered_in_one_write<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), echo::<T>).await;
    assert_eq!(sixteen(&mut pair).await, 1);
    assert_eq!(sixteen(&mut pair).await, 1);
    close(pair).await;
}

async fn without_cork_each_message_is_a_write<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new().cork(false), echo::<T>).await;
    assert_eq!(sixteen(&mut pair).await, 16);
    close(pair).await;
}

async fn select_join_and_timeout_keep_corking<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        loop {
            let received = tokio::select! {
                received = timeout(Duration::from_secs(1), socket.recv()) => received.unwrap(),
                () = sleep(Duration::from_secs(2)) => unreachable!(),
            };
            let Some(Ok(message)) = received else { break };
            if message.is_text() {
                let (sent, ()) = tokio::join!(socket.send(message), std::future::ready(()));
                sent.unwrap();
            }
        }
    })
    .await;
    assert_eq!(sixteen(&mut pair).await, 1);
    close(pair).await;
}

async fn messages_arrive_before_a_waiting_handler_continues<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        socket.send("before").await.unwrap();
        sleep(Duration::from_secs(3600)).await;
        socket.send("after").await.unwrap();
    })
    .await;
    assert_eq!(timeout(Duration::from_secs(1), pair.recv_text()).await.unwrap(), "before");
    assert_eq!(pair.writes(), 1);
    // Otherwise the keepalive would end the connection before the hour is over.
    loop {
        match pair.recv().await {
            (TEXT, payload) => break assert_eq!(payload, b"after"),
            (_, payload) => pair.send(0x8a, payload).await,
        }
    }
    pair.answer_close(1000).await;
    pair.finish().await;
}

async fn another_task_flushes_at_once<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |socket: Socket<T>| {
        let (sender, mut receiver) = socket.split();
        tokio::spawn(async move {
            for _ in 0..3 {
                sender.send("from afar").await.unwrap();
                sleep(Duration::from_secs(1)).await;
            }
        });
        while receiver.recv().await.is_some() {}
    })
    .await;
    for _ in 0..3 {
        assert_eq!(timeout(Duration::from_millis(1001), pair.recv_text()).await.unwrap(), "from afar");
    }
    pair.answer_close(1000).await;
    pair.finish().await;
}

async fn future_with_its_own_waker_flushes_at_once<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        let mut tasks = FuturesUnordered::new();
        tasks.push(async move {
            socket.send("one").await.unwrap();
            socket.send("two").await.unwrap();
            socket
        });
        let socket = tasks.next().await.unwrap();
        sleep(Duration::from_secs(1)).await;
        drop(socket);
    })
    .await;
    assert_eq!(pair.recv_text().await, "one");
    assert_eq!(pair.recv_text().await, "two");
    assert_eq!(pair.writes(), 2);
    pair.answer_close(1000).await;
    pair.finish().await;
}

async fn messages_of_a_handler_that_never_waits_are_written<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        for _ in 0..100 {
            socket.send("x".repeat(4096)).await.unwrap();
        }
    })
    .await;
    for _ in 0..100 {
        assert_eq!(pair.recv_text().await.len(), 4096);
    }
    // About 400 KiB, in pieces of a little more than 64 KiB and a remainder. A stream of HTTP/2
    // takes 16 KiB at once, so each piece is five writes.
    let pieces = pair.writes().div_ceil(if T::AHEAD > 0 { 5 } else { 1 });
    assert!((2..=8).contains(&pieces), "{}", pair.writes());
    pair.answer_close(1000).await;
    pair.finish().await;
}
