//! One connection with several drivers, and drivers whose peer is stalled.

use std::{
    future::{Future, pending},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use raw_client::{
    frame,
    whole::{BINARY, CLOSE},
};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};
use tower_websocket::Config;

use crate::{
    pair::{Pair, Socket, open, settle},
    transport::{Transport, over_each_transport},
};

over_each_transport! {
    uncorked_send_waits_for_a_stalled_peer,
    send_from_a_nested_executor_waits_for_a_stalled_peer,
    two_flushes_wait_for_a_stalled_peer,
    socket_may_be_split_before_its_handler_is_polled,
    shutdown_drops_a_handler_whose_socket_was_split_before,
    driven_socket_may_be_driven_again,
    driver_may_move_to_another_task_than_its_reader,
    outer_driver_continues_without_the_inner_one,
    frame_at_the_end_of_a_full_buffer_is_received_at_once,
    moved_socket_survives_its_handlers_panic,
}

/// Returns a configuration without pings, which would end a hanging connection.
fn quiet() -> Config {
    Config::new().keepalive_interval(None)
}

/// Counts the polls of a future.
struct Counted<F> {
    future: Pin<Box<F>>,
    polls: Arc<AtomicUsize>,
}

fn counted<F: Future>(future: F) -> (Counted<F>, Arc<AtomicUsize>) {
    let polls = Arc::new(AtomicUsize::new(0));
    (Counted { future: Box::pin(future), polls: Arc::clone(&polls) }, polls)
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.polls.fetch_add(1, Ordering::Relaxed);
        self.future.as_mut().poll(cx)
    }
}

/// Checks that a task waits, and is not polled again and again.
async fn waits(polls: &AtomicUsize) {
    settle().await;
    let polls = polls.load(Ordering::Relaxed);
    assert!(polls < 20, "polled {polls} times");
}

/// Reads everything, so that queued data does not delay the end.
async fn drain<T: Transport>(mut pair: Pair<T>, code: u16) {
    while pair.recv().await.0 != CLOSE {}
    pair.send_close(code, "").await;
    pair.finish().await;
}

/// A writer that waited for the buffer to be empty used to be woken as soon as there was space: a
/// peer that did not read kept the CPU busy.
async fn uncorked_send_waits_for_a_stalled_peer<T: Transport>() {
    let (pair, socket) = open::<T>(quiet().cork(false), 16).await;
    let (driver, polls) = counted(
        socket.drive(async |mut socket: Socket<T>| socket.send("x".repeat(100 + T::AHEAD)).await.unwrap()),
    );
    let driver = tokio::spawn(driver);
    waits(&polls).await;
    drain(pair, 1000).await;
    driver.await.unwrap();
}

async fn send_from_a_nested_executor_waits_for_a_stalled_peer<T: Transport>() {
    let (pair, socket) = open::<T>(quiet(), 16).await;
    let (driver, polls) = counted(socket.drive(async |mut socket: Socket<T>| {
        let mut tasks = FuturesUnordered::new();
        tasks.push(async move { socket.send("x".repeat(100 + T::AHEAD)).await.unwrap() });
        while tasks.next().await.is_some() {}
    }));
    let driver = tokio::spawn(driver);
    waits(&polls).await;
    drain(pair, 1000).await;
    driver.await.unwrap();
}

async fn two_flushes_wait_for_a_stalled_peer<T: Transport>() {
    let (pair, socket) = open::<T>(quiet(), 16).await;
    let (sender, receiver) = socket.split();
    settle().await;
    sender.send("x".repeat(100 + T::AHEAD)).await.unwrap();
    let other = sender.clone();
    let (one, first) = counted(async move { sender.flush().await.unwrap() });
    let (two, second) = counted(async move { other.flush().await.unwrap() });
    let flushing = tokio::spawn(async { tokio::join!(tokio::spawn(one), tokio::spawn(two)) });
    waits(&first).await;
    waits(&second).await;
    let drained = tokio::spawn(async move {
        drop(flushing.await.unwrap());
        drop(receiver);
    });
    drain(pair, 1000).await;
    drained.await.unwrap();
}

/// The socket used to be without a driver while `drive` called its closure, so splitting it there
/// made a second one.
async fn socket_may_be_split_before_its_handler_is_polled<T: Transport>() {
    let (mut pair, socket) = open::<T>(quiet(), 1 << 16).await;
    let driver = socket.drive(|socket: Socket<T>| {
        let (sender, mut receiver) = socket.split();
        async move {
            let _sender = sender;
            while let Some(Ok(_)) = receiver.recv().await {}
        }
    });
    let driver = tokio::spawn(driver);
    pair.send_close(1000, "").await;
    assert_eq!(pair.recv_close().await.0, 1000);
    timeout(Duration::from_secs(1), driver).await.unwrap().unwrap();
    pair.finish().await;
}

async fn shutdown_drops_a_handler_whose_socket_was_split_before<T: Transport>() {
    let (mut pair, socket) = open::<T>(quiet().close_timeout(Duration::from_secs(60)), 1 << 16).await;
    let mut halves = None;
    let driver = tokio::spawn(socket.drive(|socket: Socket<T>| {
        halves = Some(socket.split());
        pending::<()>()
    }));
    let start = Instant::now();
    assert_eq!(pair.shutdown().drain(Duration::from_secs(2)).await, 1);
    assert_eq!(driver.await.unwrap(), None);
    assert_eq!(start.elapsed(), Duration::from_secs(2));
    assert_eq!(pair.recv_close().await.0, 1001);
    drop(halves);
    pair.finish().await;
}

/// Two drivers used to share one slot for a waker: only the last polled one was woken.
async fn driven_socket_may_be_driven_again<T: Transport>() {
    let (mut pair, socket) = open::<T>(quiet(), 1 << 16).await;
    let outer = tokio::spawn(socket.drive(async |socket: Socket<T>| {
        tokio::spawn(
            socket.drive(async |mut socket: Socket<T>| while let Some(Ok(_)) = socket.recv().await {}),
        );
    }));
    settle().await;
    pair.send_close(1000, "").await;
    assert_eq!(pair.recv_close().await.0, 1000);
    timeout(Duration::from_secs(1), outer).await.unwrap().unwrap();
    pair.finish().await;
}

/// The reader waits on the task that has polled the driver first.
async fn driver_may_move_to_another_task_than_its_reader<T: Transport>() {
    let (mut pair, socket) = open::<T>(quiet(), 1 << 16).await;
    let (give, mut given) = oneshot::channel();
    let mut driver = Box::pin(socket.drive(|socket: Socket<T>| async move {
        let _ = give.send(socket.split());
        pending::<()>().await;
    }));
    let (_sender, mut receiver) = tokio::select! {
        biased;
        _ = &mut driver => unreachable!("the handler does not end"),
        halves = &mut given => halves.unwrap(),
    };
    let driving = tokio::spawn(driver);
    let client = tokio::spawn(async move {
        settle().await;
        pair.text("hello").await;
        pair
    });
    let start = Instant::now();
    let received = timeout(Duration::from_secs(3600), receiver.recv()).await;
    assert_eq!(received.unwrap().unwrap().unwrap().to_text().unwrap(), "hello");
    assert!(start.elapsed() < Duration::from_secs(60), "only the time-out has woken it");
    driving.abort();
    drop((receiver, _sender));
    drain(client.await.unwrap(), 1000).await;
}

async fn outer_driver_continues_without_the_inner_one<T: Transport>() {
    let (mut pair, socket) = open::<T>(quiet(), 1 << 16).await;
    let (give, take) = oneshot::channel();
    let outer = tokio::spawn(socket.drive(async |socket: Socket<T>| {
        let inner = tokio::spawn(socket.drive(async |socket: Socket<T>| {
            give.send(socket.split()).unwrap();
            pending::<()>().await;
        }));
        settle().await;
        inner.abort();
    }));
    let (sender, receiver) = take.await.unwrap();
    settle().await;
    sender.send("hello").await.unwrap();
    assert_eq!(timeout(Duration::from_secs(1), pair.recv_text()).await.unwrap(), "hello");
    drop((sender, receiver));
    pair.answer_close(1000).await;
    outer.await.unwrap();
    pair.finish().await;
}

/// The rest of a header that did not fit into tungstenite's buffer used to wait for more data.
async fn frame_at_the_end_of_a_full_buffer_is_received_at_once<T: Transport>() {
    // A length of eight bytes that fits into fewer is not on the fast path.
    let mut empty = vec![BINARY, 0xff];
    empty.extend([0; 8]);
    empty.extend([1, 2, 3, 4]);
    for len in 200..300usize {
        let (mut pair, mut socket) = open::<T>(quiet(), 1 << 16).await;
        pair.send_raw(&[frame(BINARY, &vec![7; len]), empty.clone()].concat()).await;
        assert_eq!(socket.recv().await.unwrap().unwrap().len(), len);
        let second = timeout(Duration::from_secs(1), socket.recv()).await;
        assert!(second.expect("it is there").unwrap().unwrap().is_empty(), "{len}");
        drop(socket);
        pair.answer_close(1000).await;
        pair.finish().await;
    }
}

/// The driver used to read instead of a socket that still exists, and took its stream away.
async fn moved_socket_survives_its_handlers_panic<T: Transport>() {
    let (mut pair, socket) = open::<T>(quiet(), 1 << 16).await;
    let (give, take) = oneshot::channel();
    let driver = tokio::spawn(socket.drive(async |socket: Socket<T>| {
        assert!(give.send(socket).is_ok());
        panic!("a handler's bug");
    }));
    let mut socket = take.await.unwrap();
    assert_eq!(pair.recv_close().await.0, 1011);
    pair.text("on its way").await;
    assert_eq!(socket.recv().await.unwrap().unwrap().to_text().unwrap(), "on its way");
    pair.send_close(1011, "").await;
    assert!(socket.recv().await.unwrap().unwrap().is_close());
    assert!(socket.recv().await.is_none());
    assert!(driver.await.is_err());
    drop(socket);
    pair.finish().await;
}
