//! Many unread messages, and a ping or a Close behind them.

use std::{
    future::{Future, pending, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Waker},
    time::Duration,
};

use raw_client::{
    frame,
    whole::{BINARY, CLOSE, PING, PONG},
};
use tokio::time::{Instant, sleep, timeout};
use tower_websocket::Config;

use crate::{
    pair::{Socket, drive, is_keepalive, open, settle},
    transport::{Transport, over_each_transport},
};

over_each_transport! {
    messages_before_the_end_are_received_after_a_long_pause,
    reader_continues_when_another_task_has_renewed_its_budget,
    silent_peer_is_disconnected_after_a_full_buffer,
    ping_and_close_behind_a_full_buffer_are_answered,
    ping_is_answered_while_the_close_waits,
}

const SECOND: Duration = Duration::from_secs(1);

/// Returns more messages than a task may receive in one turn. They are empty, so that the driver
/// receives all of them in advance.
fn many() -> Vec<u8> {
    frame(BINARY, b"").repeat(1000)
}

/// The reader used up its turn after the connection was over. It left yielding to the driver, which
/// had nothing left to do, and so was never polled again.
async fn messages_before_the_end_are_received_after_a_long_pause<T: Transport>() {
    for (keepalive, pause) in [(Some(20 * SECOND), 1), (Some(20 * SECOND), 25), (None, 1)] {
        for end in [None, Some(frame(CLOSE, &1000_u16.to_be_bytes()))] {
            let received = Arc::new(AtomicUsize::new(0));
            let counter = Arc::clone(&received);
            let config = Config::new().keepalive_interval(keepalive);
            let mut pair = drive::<T, _>(config, async move |mut socket: Socket<T>| {
                sleep(pause * SECOND).await;
                while let Some(message) = socket.recv_data().await {
                    counter.fetch_add(usize::from(message.is_ok()), Ordering::Relaxed);
                }
            })
            .await;
            pair.send_raw(&many()).await;
            match &end {
                Some(close) => pair.send_raw(close).await,
                None => pair.half_close().await,
            }
            timeout((pause + 2) * SECOND, async {
                while received.load(Ordering::Relaxed) < 1000 {
                    sleep(SECOND / 10).await;
                }
            })
            .await
            .unwrap_or_else(|_| panic!("{received:?} of 1000, {keepalive:?}, {pause} s, {end:?}"));
            pair.finish().await;
        }
    }
}

/// Any operation of another task renews the budget, also between the reader's turn and the
/// driver's.
async fn reader_continues_when_another_task_has_renewed_its_budget<T: Transport>() {
    let received = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&received);
    let mut pair = drive::<T, _>(Config::new().keepalive_interval(None), async move |socket: Socket<T>| {
        sleep(SECOND).await;
        let (sender, mut receiver) = socket.split();
        let mut receiving = pin!(async {
            while let Some(Ok(_)) = receiver.recv_data().await {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        poll_fn(|cx| {
            let polled = receiving.as_mut().poll(cx);
            let closed = pin!(sender.closed());
            let _ = closed.poll(&mut Context::from_waker(Waker::noop()));
            polled
        })
        .await;
    })
    .await;
    pair.send_raw(&many()).await;
    sleep(2 * SECOND).await;
    assert_eq!(received.load(Ordering::Relaxed), 1000);
    pair.send_close(1000, "").await;
    assert_eq!(pair.recv_close().await.0, 1000);
    pair.finish().await;
}

/// While the buffer was full, no deadline was set. The task that made space was not the driver's.
async fn silent_peer_is_disconnected_after_a_full_buffer<T: Transport>() {
    let (mut pair, socket) = open::<T>(Config::new(), 1 << 20).await;
    pair.send_raw(&frame(BINARY, &[0; 1024]).repeat(64)).await;
    let (sender, mut receiver) = socket.split();
    let start = Instant::now();
    sleep(60 * SECOND).await;
    for _ in 0..64 {
        receiver.recv().await.unwrap().unwrap();
    }
    let end = timeout(60 * SECOND, receiver.recv()).await.expect("the silent peer is noticed");
    assert!(end.unwrap().is_err() && start.elapsed() < 105 * SECOND, "{:?}", start.elapsed());
    drop(sender);
    pair.finish().await;
}

async fn ping_and_close_behind_a_full_buffer_are_answered<T: Transport>() {
    for is_split in [false, true] {
        for last in [PING, CLOSE] {
            let (mut pair, socket) = open::<T>(Config::new().keepalive_interval(None), 1 << 20).await;
            pair.send_raw(&frame(BINARY, &[0; 1024]).repeat(150)).await;
            pair.send(last, 1000_u16.to_be_bytes()).await;
            let task = if is_split {
                tokio::spawn(async move {
                    let (_sender, mut receiver) = socket.split();
                    sleep(SECOND).await;
                    for _ in 0..149 {
                        receiver.recv().await.unwrap().unwrap();
                    }
                    pending().await
                })
            } else {
                tokio::spawn(async move {
                    let handler = async |mut socket: Socket<T>| {
                        sleep(SECOND).await;
                        for _ in 0..149 {
                            socket.recv().await.unwrap().unwrap();
                        }
                        pending::<()>().await;
                    };
                    socket.drive(handler).await;
                })
            };
            let answer = timeout(2 * SECOND, pair.recv()).await.expect("an answer");
            assert_eq!(answer.0, if last == PING { PONG } else { CLOSE }, "split: {is_split}");
            task.abort();
            let _ = task.await;
            settle().await;
            pair.finish().await;
        }
    }
}

/// A peer with a keepalive of its own would give the connection up, and lose the data before the
/// Close.
async fn ping_is_answered_while_the_close_waits<T: Transport>() {
    let (mut pair, socket) = open::<T>(Config::new(), 1000).await;
    let driver = tokio::spawn(socket.drive(async |mut socket: Socket<T>| {
        for _ in 0..100 {
            socket.send(vec![0; 5000]).await.unwrap();
        }
    }));
    settle().await;
    pair.send(PING, "alive?").await;
    let mut data = 0;
    let mut is_answered = false;
    loop {
        let (first, payload) = pair.recv().await;
        match first {
            PONG => {
                assert_eq!(payload, b"alive?");
                is_answered = data < 100;
            }
            BINARY => data += 1,
            PING => assert!(is_keepalive(&payload)),
            _ => break,
        }
        sleep(SECOND / 10).await;
    }
    assert!(is_answered && data == 100, "{is_answered} {data}");
    // After this side's Close, no pong follows.
    pair.send(PING, "late").await;
    pair.send_close(1000, "").await;
    pair.eof().await;
    driver.await.unwrap();
    pair.finish().await;
}
