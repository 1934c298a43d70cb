//! Counting sockets, and ending them all.

use std::{future::pending, sync::Arc, time::Duration};

use http::StatusCode;
use raw_client::whole::{CLOSE, PING, TEXT};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};
use tower_websocket::{AcceptAll, Acceptor, Config, Error, Message, Shutdown, handshake::HandshakeError};

use crate::{
    pair::{Pair, Socket, at_once, drive, drive_counted, finish, open},
    transport::{Transport, over_each_transport},
};

over_each_transport! {
    every_socket_sends_1001_and_continues_to_read,
    idle_handler_closes_with_1001_too,
    remaining_sockets_are_dropped_at_the_deadline,
    waiting_sends_fail_at_the_deadline,
    handler_is_dropped_at_the_deadline_with_everything_it_holds,
    closes_are_spread_evenly,
    socket_works_until_its_turn,
    start_during_a_spread_sends_the_remaining_closes_now,
    the_deadline_holds_during_a_spread,
    late_socket_has_a_turn_in_the_spread,
    new_upgrades_are_rejected_with_503,
    late_socket_sees_the_shutdown,
    socket_without_a_driver_sees_the_shutdown,
    shutdown_without_sockets_completes_at_once,
    socket_over_the_limit_is_rejected_until_another_is_closed,
    clones_of_a_config_share_the_limit,
}

const SECOND: Duration = Duration::from_secs(1);

async fn echo<T: Transport>(mut socket: Socket<T>) {
    while let Some(Ok(message)) = socket.recv().await {
        if message.is_text() {
            let _ = socket.send(message).await;
        }
    }
}

/// Returns a request as a server passes it to a layer.
fn upgradable() -> http::Request<()> {
    http::Request::get("/")
        .extension(hyper::upgrade::on(http::Request::new(())))
        .header("host", "x")
        .header("upgrade", "websocket")
        .header("connection", "upgrade")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(())
        .unwrap()
}

async fn every_socket_sends_1001_and_continues_to_read<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), echo::<T>).await;
    let shutdown = pair.shutdown().clone();
    assert_eq!(shutdown.connections(), 1);
    let draining = tokio::spawn(async move { shutdown.drain(10 * SECOND).await });
    assert_eq!(pair.recv_close().await.0, 1001);
    sleep(3 * SECOND).await;
    pair.text("on its way").await;
    pair.send_close(1001, "").await;
    pair.eof().await;
    pair.half_close().await;
    assert_eq!(draining.await.unwrap(), 0);
    assert_eq!(pair.shutdown().connections(), 0);
    pair.finish().await;
}

async fn idle_handler_closes_with_1001_too<T: Transport>() {
    for answers in [true, false] {
        let mut pair =
            drive::<T, _>(Config::new(), async |_socket: Socket<T>| sleep(3600 * SECOND).await).await;
        pair.shutdown().start();
        assert_eq!(pair.recv_close().await.0, 1001);
        let (shutdown, start) = (pair.shutdown().clone(), Instant::now());
        if answers {
            pair.send_close(1001, "").await;
        }
        // Without an answer, the close timeout cuts the connection, which is counted.
        assert_eq!(shutdown.drain(10 * SECOND).await, usize::from(!answers));
        assert_eq!(start.elapsed(), if answers { Duration::ZERO } else { 5 * SECOND });
        pair.eof().await;
        pair.finish().await;
    }
}

async fn remaining_sockets_are_dropped_at_the_deadline<T: Transport>() {
    let start = Instant::now();
    let config = Config::new().close_timeout(60 * SECOND);
    let mut pair = drive::<T, _>(config, async |mut socket: Socket<T>| {
        let _ = socket.recv().await;
        unreachable!("the handler is dropped while it waits");
    })
    .await;
    let shutdown = pair.shutdown().clone();
    assert_eq!(shutdown.drain(2 * SECOND).await, 1);
    assert_eq!(start.elapsed(), 2 * SECOND);
    assert_eq!(pair.recv_close().await.0, 1001);
    pair.eof().await;
    pair.finish().await;
}

/// A task that waited for writing was not notified that nothing is written any more: it waited
/// forever.
async fn waiting_sends_fail_at_the_deadline<T: Transport>() {
    // A flush of one half.
    let (pair, socket) = open::<T>(Config::new(), 1024).await;
    let (sender, receiver) = socket.split();
    let flushing = tokio::spawn(async move {
        sender.send(Message::binary(vec![0; 10_000 + T::AHEAD])).await.unwrap();
        sender.flush().await
    });
    sleep(SECOND).await;
    assert_eq!(pair.shutdown().drain(SECOND).await, 1);
    assert!(matches!(at_once(flushing).await.unwrap(), Err(Error::AlreadyClosed)));
    drop(receiver);
    pair.finish().await;

    // A whole socket that its handler passed to another task.
    let (give, sending) = oneshot::channel();
    let pair = drive::<T, _>(Config::new(), async |mut socket: Socket<T>| {
        let message = Message::binary(vec![0; 2 << 20]);
        give.send(tokio::spawn(async move { socket.send(message).await })).unwrap();
        pending().await
    })
    .await;
    let sending = sending.await.unwrap();
    sleep(SECOND).await;
    assert_eq!(pair.shutdown().drain(SECOND).await, 1);
    assert!(matches!(at_once(sending).await.unwrap(), Err(Error::AlreadyClosed)));
    pair.finish().await;
}

/// The driver reported that the handler was dropped, and kept it until the driver itself was
/// dropped.
async fn handler_is_dropped_at_the_deadline_with_everything_it_holds<T: Transport>() {
    let (pair, socket) = open::<T>(Config::new(), 1024).await;
    let held = Arc::new(());
    let mut driver = Box::pin(socket.drive({
        let held = Arc::clone(&held);
        async move |socket: Socket<T>| {
            let _held = (socket, held);
            pending::<()>().await;
        }
    }));
    let (output, left) = tokio::join!(&mut driver, pair.shutdown().drain(SECOND));
    assert_eq!((output, left), (None, 1));
    assert_eq!(Arc::strong_count(&held), 1);
    drop(driver);
    pair.finish().await;
}

/// Returns four driven sockets that one shutdown counts.
async fn four<T: Transport>(config: &Config) -> ([Pair<T>; 4], Shutdown) {
    let shutdown = Shutdown::new();
    let mut pairs = Vec::new();
    for _ in 0..4 {
        pairs.push(drive_counted::<T, _>(shutdown.clone(), config.clone(), echo::<T>).await);
    }
    assert_eq!(shutdown.connections(), 4);
    (pairs.try_into().unwrap_or_else(|_| unreachable!("there are four")), shutdown)
}

/// Reads to the end of each stream, and answers Close 1001. Returns after how many seconds the
/// Closes arrived, the earliest first. `None` stands for a stream that ended without a Close.
async fn answer_closes<T: Transport>(pairs: &mut [Pair<T>; 4]) -> [Option<u64>; 4] {
    let start = Instant::now();
    let [a, b, c, d] = pairs.each_mut().map(async |pair| {
        let mut after = None;
        while let Some((first, payload)) = pair.try_recv().await {
            if first != PING {
                assert_eq!((first, &payload[..]), (CLOSE, &1001_u16.to_be_bytes()[..]));
                after = Some(start.elapsed().as_secs());
                pair.send_close(1001, "").await;
            }
        }
        after
    });
    let (a, b, c, d) = tokio::join!(a, b, c, d);
    let mut seconds = [a, b, c, d];
    seconds.sort_by_key(|after| after.unwrap_or(u64::MAX));
    seconds
}

async fn closes_are_spread_evenly<T: Transport>() {
    // With a timer that is due before the socket's turn, with one that is due after it, and without
    // one.
    for interval in [Some(12 * SECOND), Some(60 * SECOND), None] {
        let (mut pairs, shutdown) = four::<T>(&Config::new().keepalive_interval(interval)).await;
        let start = Instant::now();
        shutdown.start_spread(20 * SECOND);
        // The shutdown has already begun.
        shutdown.start_spread(SECOND);
        assert!(shutdown.is_shutting_down());
        let acceptor = Acceptor::new(AcceptAll).with_config(Config::new().with_shutdown(&shutdown));
        let error = acceptor.accept_request(upgradable()).await.unwrap_err();
        assert!(matches!(error, HandshakeError::ShuttingDown));
        let draining = tokio::spawn({
            let shutdown = shutdown.clone();
            async move { shutdown.drain(60 * SECOND).await }
        });
        assert_eq!(answer_closes(&mut pairs).await, [0, 5, 10, 15].map(Some), "{interval:?}");
        assert_eq!(draining.await.unwrap(), 0);
        assert_eq!(start.elapsed().as_secs(), 15);
        finish(pairs).await;
    }
}

async fn socket_works_until_its_turn<T: Transport>() {
    let (mut pairs, shutdown) = four::<T>(&Config::new()).await;
    shutdown.start_spread(20 * SECOND);
    sleep(SECOND).await;
    let mut has_turn = Vec::new();
    for pair in &mut pairs {
        pair.text("still there").await;
        let (first, payload) = pair.recv().await;
        has_turn.push(first == CLOSE);
        match first {
            CLOSE => assert_eq!(payload, 1001_u16.to_be_bytes()),
            _ => assert_eq!((first, &payload[..]), (TEXT, &b"still there"[..])),
        }
    }
    assert_eq!(has_turn.iter().filter(|has_turn| **has_turn).count(), 1);
    shutdown.start();
    for (pair, has_turn) in pairs.iter_mut().zip(has_turn) {
        if !has_turn {
            assert_eq!(pair.recv_close().await.0, 1001);
        }
        pair.send_close(1001, "").await;
        pair.eof().await;
    }
    finish(pairs).await;
}

async fn start_during_a_spread_sends_the_remaining_closes_now<T: Transport>() {
    let (mut pairs, shutdown) = four::<T>(&Config::new()).await;
    shutdown.start_spread(20 * SECOND);
    let start = tokio::spawn(async move {
        sleep(6 * SECOND).await;
        shutdown.start();
    });
    assert_eq!(answer_closes(&mut pairs).await, [0, 5, 6, 6].map(Some));
    start.await.unwrap();
    finish(pairs).await;
}

async fn the_deadline_holds_during_a_spread<T: Transport>() {
    let (mut pairs, shutdown) = four::<T>(&Config::new()).await;
    shutdown.start_spread(20 * SECOND);
    let draining = tokio::spawn(async move { shutdown.drain(7 * SECOND).await });
    let start = Instant::now();
    assert_eq!(answer_closes(&mut pairs).await, [Some(0), Some(5), None, None]);
    assert_eq!(draining.await.unwrap(), 2);
    assert_eq!(start.elapsed(), 7 * SECOND);
    finish(pairs).await;
}

async fn late_socket_has_a_turn_in_the_spread<T: Transport>() {
    let (mut pair, socket) = open::<T>(Config::new(), 1024).await;
    pair.shutdown().start_spread(20 * SECOND);
    let driver = tokio::spawn(socket.drive(echo::<T>));
    at_once(pair.answer_close(1001)).await;
    driver.await.unwrap();
    pair.finish().await;
}

async fn new_upgrades_are_rejected_with_503<T: Transport>() {
    let shutdown = Shutdown::new();
    let config = Config::new().with_shutdown(&shutdown);
    let acceptor = Acceptor::new(AcceptAll).with_config(config);
    shutdown.start();
    assert!(shutdown.is_shutting_down());
    let error = acceptor.accept_request(upgradable()).await.unwrap_err();
    assert!(matches!(error, HandshakeError::ShuttingDown));
    assert_eq!(error.into_response().status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(shutdown.connections(), 0);
}

async fn late_socket_sees_the_shutdown<T: Transport>() {
    let (mut pair, socket) = open::<T>(Config::new(), 1024).await;
    pair.shutdown().start();
    let driver = tokio::spawn(socket.drive(echo::<T>));
    pair.answer_close(1001).await;
    driver.await.unwrap();
    pair.finish().await;
}

async fn socket_without_a_driver_sees_the_shutdown<T: Transport>() {
    let (mut pair, mut socket) = open::<T>(Config::new(), 1024).await;
    let reading = tokio::spawn(async move { while let Some(Ok(_)) = socket.recv().await {} });
    sleep(SECOND).await;
    pair.shutdown().start();
    pair.answer_close(1001).await;
    reading.await.unwrap();
    pair.finish().await;
}

async fn shutdown_without_sockets_completes_at_once<T: Transport>() {
    let shutdown = Shutdown::new();
    let start = Instant::now();
    assert_eq!(shutdown.drain(SECOND).await, 0);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

async fn socket_over_the_limit_is_rejected_until_another_is_closed<T: Transport>() {
    let acceptor = Acceptor::new(AcceptAll).with_config(Config::new().max_connections(1));
    let ask = async |acceptor: &Acceptor<AcceptAll>| acceptor.accept_request(upgradable()).await;
    let (response, upgrading) = ask(&acceptor).await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let error = ask(&acceptor.clone()).await.unwrap_err();
    assert!(matches!(error, HandshakeError::TooManyConnections));
    assert_eq!(error.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(upgrading);
    assert!(ask(&acceptor).await.is_ok());
}

async fn clones_of_a_config_share_the_limit<T: Transport>() {
    let config = Config::new().max_connections(1);
    let one = Acceptor::new(AcceptAll).with_config(config.clone());
    let other = Acceptor::new(AcceptAll).with_config(config.clone().max_message_size(4));
    let apart = Acceptor::new(AcceptAll).with_config(config.max_connections(1));
    let opened = one.accept_request(upgradable()).await.unwrap();
    let error = other.accept_request(upgradable()).await.unwrap_err();
    assert!(matches!(error, HandshakeError::TooManyConnections));
    assert!(apart.accept_request(upgradable()).await.is_ok());
    drop(opened);
    assert!(other.accept_request(upgradable()).await.is_ok());
}
