//! Keepalive while data waits in both directions.

use std::{future::pending, time::Duration};

use raw_client::{
    frame,
    opcode::PING,
    read_frame,
    whole::{BINARY, PONG},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, split},
    sync::oneshot,
    time::{Instant, sleep, sleep_until, timeout},
};
use tower_websocket::Config;

use crate::{opened, piped, tcp};

#[tokio::test(start_paused = true)]
async fn pings_are_sent_at_the_interval_whatever_the_timeout_is() {
    for timeout in [5, 20, 60] {
        let config = Config::new()
            .keepalive_interval(Duration::from_secs(10))
            .keepalive_timeout(Duration::from_secs(timeout));
        let (mut client, socket) = piped(config, 1 << 16).await;
        let start = Instant::now();
        tokio::spawn(socket.drive(async |mut socket| while socket.recv().await.is_some() {}));
        for n in 1..=5 {
            let (first, payload) = read_frame(&mut client).await.unwrap();
            assert_eq!((first & 0xf, start.elapsed().as_secs()), (PING, 10 * n), "timeout {timeout}");
            client.write_all(&frame(PONG, &payload)).await.unwrap();
        }
    }
}

/// The peer reads at once and answers each ping, but its answers wait behind data that the handler
/// does not receive. Then the handler sends more than the IO accepts at once.
#[tokio::test(start_paused = true)]
async fn peer_whose_answer_waits_is_alive_when_the_io_is_full_for_a_moment() {
    for wait in [10, 30, 50, 100] {
        let (client, socket) = piped(Config::new(), 1 << 18).await;
        let (mut read, mut write) = split(client);
        let peer = tokio::spawn(async move {
            for _ in 0..50 {
                write.write_all(&frame(BINARY, &[7; 4000])).await.unwrap();
            }
            let mut bytes = 0;
            while let Some((first, payload)) = read_frame(&mut read).await {
                match first & 0xf {
                    PING => write.write_all(&frame(PONG, &payload)).await.unwrap(),
                    8 => break,
                    _ => bytes += payload.len(),
                }
            }
            bytes
        });
        let sent = socket.drive(async move |mut socket| {
            sleep(Duration::from_secs(wait)).await;
            for _ in 0..10 {
                socket.send(vec![7; 1 << 20]).await?;
            }
            socket.flush().await
        });
        sent.await.unwrap().unwrap_or_else(|error| panic!("after {wait} s: {error}"));
        assert_eq!(peer.await.unwrap(), 10 << 20);
    }
}

/// The same over TCP and in real time. The answer is overdue when the handler begins to send, and
/// the peer then has another 10 s to read something, also on a busy machine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peer_whose_answer_waits_is_alive_over_tcp() {
    let config =
        Config::new().keepalive_interval(Duration::from_secs(1)).keepalive_timeout(Duration::from_secs(10));
    let (client, server) = tcp().await.unwrap();
    let (client, socket) = opened(client, server, config, "").await;
    let (mut read, mut write) = client.into_split();
    tokio::spawn(async move {
        for _ in 0..50 {
            write.write_all(&frame(BINARY, &[7; 4000])).await.unwrap();
        }
        while let Some((first, payload)) = read_frame(&mut read).await {
            if first & 0xf == PING {
                write.write_all(&frame(PONG, &payload)).await.unwrap();
            }
        }
    });
    let sent = socket.drive(async move |mut socket| {
        sleep(Duration::from_secs(12)).await;
        for _ in 0..20 {
            socket.send(vec![7; 1 << 20]).await?;
        }
        socket.flush().await
    });
    sent.await.unwrap().unwrap();
}

/// The peer has sent data that the handler does not receive, and then neither reads nor sends. Only
/// a task with a sender uses the IO.
#[tokio::test(start_paused = true)]
async fn dead_peer_is_noticed_by_the_sender_of_another_task() {
    for wait in [10, 30, 50, 100] {
        let (mut client, socket) = piped(Config::new(), 1 << 18).await;
        for _ in 0..50 {
            client.write_all(&frame(BINARY, &[7; 4000])).await.unwrap();
        }
        let (give, given) = oneshot::channel();
        tokio::spawn(socket.drive(|socket| async move {
            let (sender, _receiver) = socket.split();
            let _ = give.send(sender);
            pending::<()>().await;
        }));
        let sender = given.await.unwrap();
        sleep(Duration::from_secs(wait)).await;
        let failed =
            timeout(Duration::from_secs(120), async { while sender.send(vec![7; 1 << 20]).await.is_ok() {} });
        assert!(failed.await.is_ok(), "after {wait} s, it is not noticed");
        drop(client);
    }
}

/// Returns after how many seconds a peer is noticed that reads 1 KiB per second, and nothing from
/// the 76th second on.
async fn slow_peer_is_noticed(by_handler: bool) -> u64 {
    let second = Duration::from_secs(1);
    let config = Config::new()
        .keepalive_interval(10 * second)
        .keepalive_timeout(10 * second)
        .max_write_buffer_size(1 << 20);
    let (client, socket) = piped(config, 1 << 16).await;
    let start = Instant::now();
    let (mut read, write) = split(client);
    tokio::spawn(async move {
        for n in 1..=76 {
            read.read_exact(&mut [0; 1024]).await.unwrap();
            sleep_until(start + n * second).await;
        }
        pending::<()>().await;
        drop(write);
    });
    let (give, given) = oneshot::channel();
    let (go, wait) = oneshot::channel::<()>();
    let driver = tokio::spawn(socket.drive(async move |socket| {
        let (sender, mut receiver) = socket.split();
        sender.send(vec![7; 128 << 10]).await.unwrap();
        let _ = give.send(sender.clone());
        tokio::select! {
            _ = wait => sender.send(vec![7; 128 << 10]).await.unwrap(),
            _ = receiver.recv() => return,
        }
        while let Some(Ok(_)) = receiver.recv().await {}
    }));
    let sender = given.await.unwrap();
    sleep_until(start + 80 * second).await;
    // The sender that is kept would wake the handler if it were dropped.
    let kept = if by_handler {
        go.send(()).unwrap();
        None
    } else {
        sender.send(vec![7; 128 << 10]).await.unwrap();
        Some(go)
    };
    driver.await.unwrap();
    drop(kept);
    start.elapsed().as_secs()
}

/// Once the IO accepts nothing, the peer has no more time for being slow.
#[tokio::test(start_paused = true)]
async fn slow_peer_that_dies_is_noticed_whoever_sends() {
    let (by_handler, by_other) = (slow_peer_is_noticed(true).await, slow_peer_is_noticed(false).await);
    assert!((80..110).contains(&by_handler), "{by_handler} s");
    assert!(by_other <= by_handler + 1, "{by_other} s instead of {by_handler} s");
}

/// The peer reads 4 MiB slowly. Then it reads at once, and sends a message every 5 s for an hour,
/// so it is never pinged. Then it dies.
#[tokio::test(start_paused = true)]
async fn peer_that_was_slow_long_ago_gets_no_more_time() {
    let (client, socket) = piped(Config::new().max_write_buffer_size(16 << 20), 1 << 20).await;
    let (give, given) = oneshot::channel();
    let handler = tokio::spawn(socket.drive(|socket| async move {
        let (sender, mut receiver) = socket.split();
        let _ = give.send(sender);
        while let Some(Ok(_)) = receiver.recv().await {}
        Instant::now()
    }));
    let sender = given.await.unwrap();
    let (mut read, mut write) = split(client);
    sender.send(vec![1; 4 << 20]).await.unwrap();
    let reading = tokio::spawn(async move {
        let (mut buffer, mut total) = (vec![0; 32 << 10], 0);
        while total < 4 << 20 {
            sleep(Duration::from_secs(1)).await;
            total += read.read(&mut buffer).await.unwrap();
        }
        while read.read(&mut buffer).await.unwrap() > 0 {}
    });
    for _ in 0..720 {
        write.write_all(&frame(BINARY, b"tick")).await.unwrap();
        sleep(Duration::from_secs(5)).await;
    }
    reading.abort();
    let died = Instant::now();
    let noticed = handler.await.unwrap().unwrap() - died;
    assert!(noticed <= Duration::from_secs(40), "it is noticed after {noticed:?}");
    drop(write);
}
