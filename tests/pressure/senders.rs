//! Senders that wait for each other. None of them is forgotten.

use std::{
    future::{Future, pending, poll_fn},
    io::Read as _,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use futures_util::{Sink, SinkExt};
use own_process::block_on_elsewhere;
use raw_client::read_frame;
use tokio::{io::AsyncReadExt, runtime::Builder, time::sleep};
use tower_websocket::{Config, Message};

use crate::{opened, piped, receiving, soon, tcp};

/// The first sender that is woken sends nothing, because its message is invalid.
#[tokio::test(start_paused = true)]
async fn sender_with_an_invalid_message_passes_its_space_on() {
    let config = Config::new().max_write_buffer_size(1).keepalive_interval(None);
    let (mut client, socket) = piped(config, 1000).await;
    let sender = receiving(socket).await;
    sender.send(vec![1; 2500]).await.unwrap();
    let [a, b] = [sender.clone(), sender.clone()];
    let invalid = tokio::spawn(async move { a.send(Message::Ping(vec![1; 200].into())).await });
    sleep(Duration::from_secs(1)).await;
    let valid = tokio::spawn(async move { b.send("valid").await });
    sleep(Duration::from_secs(1)).await;
    assert!(!invalid.is_finished() && !valid.is_finished(), "there is no space yet");
    assert_eq!(read_frame(&mut client).await.unwrap().1.len(), 2500);
    assert!(invalid.await.unwrap().is_err());
    soon("the second sender", valid).await.unwrap().unwrap();
    assert_eq!(read_frame(&mut client).await.unwrap().1, b"valid");
}

/// The first sender that is woken does not need the compressor, because its message is short.
#[cfg(feature = "deflate")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sender_of_a_short_message_passes_the_compressor_on() {
    for takeover in [false, true] {
        let (client, server) = tcp().await.unwrap();
        let deflate = tower_websocket::Deflate::new().level(9).context_takeover(takeover);
        let config = Config::new().deflate(deflate).max_write_buffer_size(256 << 20);
        let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
        let (mut client, socket) = opened(client, server, config, offer).await;
        let sender = receiving(socket).await;
        tokio::spawn(async move { while read_frame(&mut client).await.is_some() {} });
        // Compressing it takes much longer than the other senders need to queue up.
        let large: Vec<u8> =
            (0..60_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 27) as u8).collect();
        let [a, b, c] = [sender.clone(), sender.clone(), sender.clone()];
        let first = tokio::spawn(async move { a.send(large).await });
        sleep(Duration::from_millis(50)).await;
        let second = tokio::spawn(async move { b.send("short").await });
        sleep(Duration::from_millis(20)).await;
        let third = tokio::spawn(async move { c.send("a longer message ".repeat(100)).await });
        for (name, sending) in [("first", first), ("second", second), ("third", third)] {
            let sent = tokio::time::timeout(6 * crate::SOON, sending).await;
            sent.unwrap_or_else(|_| panic!("takeover {takeover}: the {name} waits")).unwrap().unwrap();
        }
    }
}

/// Returns a future that is ready once `flag` is set. It wakes no task.
async fn set(flag: Arc<AtomicBool>) {
    poll_fn(|_| if flag.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }).await;
}

/// The first sender is woken for space when so much was sent that it might have to yield first, and
/// its future is dropped in that poll.
#[tokio::test(start_paused = true)]
async fn dropped_sender_passes_its_space_on_after_much_was_sent() {
    let config = Config::new().max_write_buffer_size(1000).keepalive_interval(None);
    let (mut client, socket) = piped(config, 1 << 16).await;
    // Without a handler, nothing but senders yields.
    let (sender, mut receiver) = socket.split();
    tokio::spawn(async move { while receiver.recv().await.is_some() {} });
    sleep(Duration::from_millis(10)).await;
    let mut sink = sender.clone();
    poll_fn(|cx| Pin::new(&mut sink).poll_ready(cx)).await.unwrap();
    sender.try_send(vec![1; 100_000]).unwrap();
    sleep(Duration::from_millis(10)).await;
    let stop = Arc::new(AtomicBool::new(false));
    let (a, b, stopped) = (sender.clone(), sender.clone(), Arc::clone(&stop));
    let first = tokio::spawn(async move {
        tokio::select! {
            biased;
            _ = a.send("a") => {}
            () = set(stopped) => {}
        }
    });
    sleep(Duration::from_millis(10)).await;
    let second = tokio::spawn(async move { b.send("b").await });
    sleep(Duration::from_millis(10)).await;
    sink.start_send_unpin(vec![2; 2 << 20].into()).unwrap();
    stop.store(true, Ordering::SeqCst);
    tokio::spawn(async move { while read_frame(&mut client).await.is_some() {} });
    first.await.unwrap();
    soon("the second sender", second).await.unwrap().unwrap();
}

/// Counts how often a task is woken.
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Without a driver, one of the waiting tasks is woken for an event of the IO. Here its future is
/// dropped before it is polled.
#[test]
fn dropped_flush_passes_an_event_on() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (mut client, sender, _receiver) = runtime.block_on(async {
        let (client, socket) = piped(Config::new().keepalive_interval(None), 100).await;
        let (sender, receiver) = socket.split();
        (client, sender, receiver)
    });
    // This drops the driver that works in the background.
    drop(runtime);
    sender.try_send(vec![1; 500]).unwrap();
    let [mut first, mut second] = [(); 2].map(|()| Box::pin(sender.flush()));
    let wakes = [(); 2].map(|()| Arc::new(Wakes(AtomicUsize::new(0))));
    let [first_waker, second_waker] = wakes.clone().map(Waker::from);
    assert!(first.as_mut().poll(&mut Context::from_waker(&first_waker)).is_pending());
    assert!(second.as_mut().poll(&mut Context::from_waker(&second_waker)).is_pending());
    let count = || wakes.each_ref().map(|wakes| wakes.0.load(Ordering::SeqCst));
    assert_eq!(count(), [0, 0]);
    block_on_elsewhere(client.read_exact(&mut [0; 50])).unwrap();
    assert_eq!(count(), [1, 0], "one of them is woken");
    drop(first);
    assert_eq!(count(), [1, 1], "the other one is woken in its place");
}

/// Tasks that cannot wait send all the time, and more than a sender may send before it yields.
#[test]
fn sender_is_served_between_tasks_that_cannot_wait() {
    for (tasks, messages) in [(1, 1200), (200, 6)] {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, server) = tcp().await.unwrap();
            let config = Config::new().max_write_buffer_size(1 << 20);
            let (client, socket) = opened(client, server, config, "").await;
            let sender = receiving(socket).await;
            let mut client = client.into_std().unwrap();
            client.set_nonblocking(false).unwrap();
            thread::spawn(move || {
                let mut buffer = vec![0; 1 << 20];
                while client.read(&mut buffer).unwrap_or(0) > 0 {}
            });
            let end = Instant::now() + Duration::from_secs(10);
            for _ in 0..tasks {
                let sender = sender.clone();
                tokio::spawn(async move {
                    while Instant::now() < end {
                        for _ in 0..messages {
                            let _ = sender.try_send("tick");
                        }
                        tokio::task::yield_now().await;
                    }
                });
            }
            sleep(Duration::from_millis(50)).await;
            tokio::spawn(async move { sender.send("y").await }).await.unwrap().unwrap();
            assert!(Instant::now() < end - Duration::from_secs(5), "{tasks} tasks");
        });
    }
}

/// Nothing that the sender waits for may depend on the runtime, whose thread it blocks.
#[test]
fn driver_in_another_executor_sends_more_than_a_turn_may() {
    let (tell, told) = mpsc::channel();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.spawn(async move {
        let (client, socket) = piped(Config::new().cork(false), 8 << 20).await;
        let driver = socket.drive(async move |mut socket| {
            for n in 0..5000 {
                socket.send(format!("{n}")).await.unwrap();
            }
            tell.send(()).unwrap();
            pending::<()>().await;
        });
        block_on_elsewhere(driver);
        drop(client);
    });
    let told = told.recv_timeout(crate::SOON);
    runtime.shutdown_background();
    told.expect("all are sent");
}

/// The first sender that is woken for space has to wait for the compressor.
#[cfg(feature = "deflate")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sender_that_waits_for_the_compressor_passes_its_space_on() {
    let (client, server) = tcp().await.unwrap();
    let config = Config::new()
        .deflate(tower_websocket::Deflate::new().level(9))
        .max_write_buffer_size(4096)
        .keepalive_interval(None);
    let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let (mut client, socket) = opened(client, server, config, offer).await;
    let sender = receiving(socket).await;
    // Compressing it takes seconds.
    let large: Vec<u8> = (0..200_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 27) as u8).collect();
    let [a, b, c] = [sender.clone(), sender.clone(), sender.clone()];
    let compressing = tokio::spawn(async move { a.send(large).await });
    sleep(Duration::from_millis(50)).await;
    while sender.try_send_uncompressed(vec![1; 64 << 10]).is_ok() || sender.stalled().is_none() {
        sleep(Duration::from_micros(100)).await;
    }
    tokio::spawn(async move { b.send("a longer message ".repeat(100)).await });
    sleep(Duration::from_millis(20)).await;
    tokio::spawn(async move { c.send_uncompressed("short").await });
    sleep(Duration::from_millis(20)).await;
    assert!(!compressing.is_finished());
    let next = async {
        loop {
            let (_, payload) = read_frame(&mut client).await.unwrap();
            if payload.len() != 64 << 10 {
                return payload;
            }
        }
    };
    assert_eq!(next.await, b"short", "it did not wait for the compressor");
}
