//! Several tasks on one socket: an event that one of them finds reaches the others at once.

use std::{
    future::{pending, poll_fn},
    pin::Pin,
    time::Duration,
};

use futures_util::{Sink, SinkExt, StreamExt};
use raw_client::{
    opening::request,
    whole::{BINARY, CLOSE, PING, PONG},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::Builder,
    sync::oneshot,
    time::{sleep, timeout},
};
use tower_websocket::{AcceptAll, Acceptor, Config, Error, Message, Receiver, Sender, Shutdown, WebSocket};

use crate::{
    pair::{Pair, Socket, at_once, open, settle, tasks},
    transport::{Transport, over_each_transport},
};

over_each_transport! {
    writer_may_wait_before_its_driver_is_polled,
    error_read_on_another_task_is_reported_at_once,
    close_read_on_another_task_is_answered_at_once,
    ping_read_on_another_task_is_answered_at_once,
    two_ready_sinks_send_one_after_the_other,
    halves_that_outlive_their_driver_get_another,
    halves_that_outlive_their_driver_do_not_wait_for_each_other,
    kept_sender_does_not_keep_the_io,
    two_tasks_share_a_socket_without_a_driver,
    waiting_message_is_not_sent_after_the_answer_to_a_close,
}

over_each_transport! {
    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    racing_sinks_lose_and_mix_nothing
}

const SECOND: Duration = Duration::from_secs(1);

fn quiet() -> Config {
    Config::new().keepalive_interval(None)
}

/// Returns a socket's halves, whose driver waits on a task of its own.
async fn split<T: Transport>(config: Config, room: usize) -> (Pair<T>, Sender<T::Io>, Receiver<T::Io>) {
    let (pair, socket) = open::<T>(config, room).await;
    let (sender, receiver) = socket.split();
    settle().await;
    (pair, sender, receiver)
}

/// Returns a socket's halves, whose driver was dropped with its handler.
async fn orphans<T: Transport>(config: Config, room: usize) -> (Pair<T>, Sender<T::Io>, Receiver<T::Io>) {
    let (pair, socket) = open::<T>(config, room).await;
    let (give, halves) = oneshot::channel();
    let driver = tokio::spawn(socket.drive(async |socket: Socket<T>| {
        give.send(socket.split()).unwrap();
        pending::<()>().await;
    }));
    let (sender, receiver) = halves.await.unwrap();
    driver.abort();
    assert!(driver.await.unwrap_err().is_cancelled());
    (pair, sender, receiver)
}

/// Waits until a sink is ready for a message.
async fn ready<T: Transport>(sender: &mut Sender<T::Io>) {
    poll_fn(|cx| Pin::new(&mut *sender).poll_ready(cx)).await.unwrap();
}

/// Returns the next message, of any number of frames.
async fn recv_message<T: Transport>(pair: &mut Pair<T>) -> Vec<u8> {
    let (first, mut message) = pair.recv().await;
    assert_eq!(first & 0x7f, 0x02, "a message begins");
    let mut is_final = first == BINARY;
    while !is_final {
        let (first, part) = pair.recv().await;
        assert_eq!(first & 0x7f, 0x00, "the message is continued");
        message.extend(part);
        is_final = first == 0x80;
    }
    message
}

/// The driver did not know of a writer that had begun to wait before the driver was first polled:
/// both slept.
async fn writer_may_wait_before_its_driver_is_polled<T: Transport>() {
    let (mut pair, socket) = open::<T>(quiet().max_write_buffer_size(1000), 1024).await;
    let (sender, receiver) = socket.split();
    let writing = async {
        for _ in 0..10 {
            sender.send(Message::binary(vec![0; 900])).await.unwrap();
        }
    };
    let reading = async {
        for _ in 0..10 {
            assert_eq!(pair.recv().await.0, BINARY);
        }
    };
    at_once(async { tokio::join!(writing, reading) }).await;
    drop((sender, receiver));
    pair.answer_close(1000).await;
    pair.finish().await;
}

/// The Close waited for the driver's next poll, which was the ping after 20 s, or never.
async fn error_read_on_another_task_is_reported_at_once<T: Transport>() {
    for config in [Config::new(), quiet()] {
        let (mut pair, sender, mut receiver) = split::<T>(config, 1 << 20).await;
        let reader = tokio::spawn(async move { (receiver.recv().await, receiver) });
        settle().await;
        pair.send(0x83, "reserved opcode").await;
        assert_eq!(at_once(pair.recv_close()).await.0, 1002);
        pair.half_close().await;
        let (received, receiver) = at_once(reader).await.unwrap();
        assert!(received.unwrap().is_err());
        drop((sender, receiver));
        pair.finish().await;
    }
}

/// The answer waited until the reader continued, or for the ping after 20 s.
async fn close_read_on_another_task_is_answered_at_once<T: Transport>() {
    for config in [Config::new(), quiet()] {
        let (mut pair, sender, mut receiver) = split::<T>(config, 1 << 20).await;
        let reader = tokio::spawn(async move { (receiver.recv().await, receiver) });
        settle().await;
        pair.send_close(1001, "").await;
        assert_eq!(at_once(pair.recv_close()).await.0, 1001);
        at_once(pair.eof()).await;
        let (received, receiver) = reader.await.unwrap();
        assert!(received.unwrap().unwrap().is_close());
        drop((sender, receiver));
        pair.finish().await;
    }
}

/// The pong waited until the reader continued, or for the ping after 20 s.
async fn ping_read_on_another_task_is_answered_at_once<T: Transport>() {
    for config in [Config::new(), quiet()] {
        let (mut pair, sender, mut receiver) = split::<T>(config, 1 << 20).await;
        let reader = tokio::spawn(async move { (receiver.recv().await, receiver) });
        settle().await;
        pair.send(PING, "x").await;
        assert_eq!(at_once(pair.recv()).await, (PONG, b"x".to_vec()));
        let (received, receiver) = reader.await.unwrap();
        assert!(received.unwrap().unwrap().is_ping());
        drop((sender, receiver));
        pair.answer_close(1000).await;
        pair.finish().await;
    }
}

/// Space for one message is reported to every sink. The second one's message was sent among the
/// first one's fragments, or took their space.
async fn two_ready_sinks_send_one_after_the_other<T: Transport>() {
    for (room, len) in [(2048, 5), (2048, 70_000), (1 << 20, 5), (1 << 20, 70_000)] {
        let (mut pair, mut one, receiver) = split::<T>(quiet(), room).await;
        let mut two = one.clone();
        let mut three = one.clone();
        ready::<T>(&mut one).await;
        ready::<T>(&mut two).await;
        ready::<T>(&mut three).await;
        Pin::new(&mut one).start_send(Message::binary(vec![1; 200_000])).unwrap();
        // Some of it is in flight.
        settle().await;
        Pin::new(&mut two).start_send(Message::binary(vec![2; len])).unwrap();
        Pin::new(&mut three).start_send(Message::binary(vec![3; len])).unwrap();
        for (who, len) in [(1, 200_000), (2, len), (3, len)] {
            let message = at_once(recv_message(&mut pair)).await;
            assert_eq!((message.len(), message[0]), (len, who));
        }
        drop((one, two, three, receiver));
        pair.answer_close(1000).await;
        pair.finish().await;
    }
}

/// On threads, a sink may become ready after another was ready and before it sends.
async fn racing_sinks_lose_and_mix_nothing<T: Transport>() {
    const MESSAGES: u32 = 2000;
    let (mut pair, socket) = open::<T>(quiet(), 1 << 14).await;
    let (sender, receiver) = socket.split();
    let sending = [0u32, 1].map(|who| {
        let mut sender = sender.clone();
        tokio::spawn(async move {
            for n in 0..MESSAGES {
                // Two fragments.
                let mut payload = vec![0; 66_000];
                payload[..8].copy_from_slice(&[who.to_be_bytes(), n.to_be_bytes()].concat());
                SinkExt::send(&mut sender, Message::binary(payload)).await.unwrap();
            }
        })
    });
    let mut next = [0; 2];
    for _ in 0..2 * MESSAGES {
        let message = timeout(10 * SECOND, recv_message(&mut pair)).await.expect("a message, not silence");
        assert_eq!(message.len(), 66_000);
        let [who, n] = [0, 4].map(|at| u32::from_be_bytes(message[at..at + 4].try_into().unwrap()));
        let next = &mut next[who as usize];
        assert_eq!(n, *next, "the messages of sink {who} come once each, in order");
        *next += 1;
    }
    for sending in sending {
        sending.await.unwrap();
    }
    drop((sender, receiver));
    // Only the Close arrives.
    pair.answer_close(1000).await;
    // The driver ends on a thread of its own.
    let over = async {
        while tasks::<T>() > 0 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(10 * SECOND, over).await.expect("the driver ends");
    pair.finish().await;
}

/// Without their driver, nothing was sent, and no task closed the connection.
async fn halves_that_outlive_their_driver_get_another<T: Transport>() {
    let (mut pair, sender, mut receiver) = orphans::<T>(quiet(), 1 << 20).await;
    let reader = tokio::spawn(async move { while let Some(Ok(_)) = receiver.recv().await {} });
    settle().await;
    sender.send("still here").await.unwrap();
    assert_eq!(at_once(pair.recv_text()).await, "still here");
    drop(sender);
    at_once(pair.answer_close(1000)).await;
    at_once(reader).await.unwrap();
    pair.finish().await;
}

/// Without a driver, the two halves maintained the connection in turns, and each replaced the
/// other's waker.
async fn halves_that_outlive_their_driver_do_not_wait_for_each_other<T: Transport>() {
    let (mut pair, sender, mut receiver) = orphans::<T>(quiet().max_write_buffer_size(1000), 1024).await;
    let writer = tokio::spawn(async move {
        for _ in 0..10 {
            sender.send(Message::binary(vec![0; 900])).await.unwrap();
        }
        sender.flush().await.unwrap();
    });
    settle().await;
    let reader = tokio::spawn(async move { while let Some(Ok(_)) = receiver.recv().await {} });
    settle().await;
    for _ in 0..10 {
        assert_eq!(at_once(pair.recv()).await.0, BINARY);
    }
    at_once(pair.answer_close(1000)).await;
    at_once(writer).await.unwrap();
    at_once(reader).await.unwrap();
    pair.finish().await;
}

/// A sender kept on another task also kept the IO, and with it a file descriptor, long after the
/// end.
async fn kept_sender_does_not_keep_the_io<T: Transport>() {
    for is_dropped_first in [false, true] {
        let (mut pair, sender, mut receiver) = split::<T>(quiet(), 1 << 20).await;
        if is_dropped_first {
            drop(receiver);
            pair.answer_close(1000).await;
        } else {
            pair.send_close(1000, "").await;
            while receiver.recv().await.is_some() {}
            assert_eq!(pair.recv_close().await.0, 1000);
            pair.eof().await;
            drop(receiver);
        }
        settle().await;
        // Writing fails only if the other end was dropped.
        assert!(pair.try_send_raw(b"anyone?").await.is_err());
        assert!(sender.is_closed());
        pair.finish().await;
        drop(sender);
    }
}

/// The reader wrote the data that the writer waited for, and the writer was never notified.
async fn two_tasks_share_a_socket_without_a_driver<T: Transport>() {
    let (mut pair, socket) = open::<T>(quiet(), 1000).await;
    let (mut sink, mut stream) = StreamExt::split(socket);
    let sending = tokio::spawn(async move {
        sink.send(Message::binary(vec![1; 3000])).await.unwrap();
        sink
    });
    settle().await;
    // Here the reader is the last to wait.
    let reading = tokio::spawn(async move {
        while let Some(Ok(_)) = stream.next().await {}
        stream
    });
    settle().await;
    assert_eq!(pair.recv().await, (BINARY, vec![1; 3000]));
    let sink = at_once(sending).await.unwrap();
    pair.send_close(1000, "").await;
    assert_eq!(pair.recv_close().await.0, 1000);
    let socket = sink.reunite(reading.await.unwrap()).unwrap();
    drop(socket);
    pair.finish().await;
}

/// A message without space before the peer's Close was sent after the answer to it.
async fn waiting_message_is_not_sent_after_the_answer_to_a_close<T: Transport>() {
    let (mut pair, sender, mut receiver) = split::<T>(quiet().max_write_buffer_size(1000), 1 << 16).await;
    let mut senders = vec![sender; 4];
    for sender in &mut senders {
        ready::<T>(sender).await;
    }
    for (sender, len) in senders.iter_mut().zip([1 << 20, 1, 2, 3]) {
        Pin::new(sender).start_send(Message::binary(vec![0; len])).unwrap();
    }
    let reading = tokio::spawn(async move { while let Some(Ok(_)) = receiver.recv().await {} });
    settle().await;
    pair.send_close(1000, "").await;
    settle().await;
    while pair.recv().await.0 != CLOSE {}
    pair.eof().await;
    reading.await.unwrap();
    pair.finish().await;
}

/// No task was left to finish the closing handshake: a kept sender kept the IO and its place in the
/// count.
#[test]
fn sender_that_outlives_its_runtime_does_not_keep_the_io() {
    let runtime = || Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    for is_closing in [false, true] {
        let shutdown = Shutdown::new();
        let first = runtime();
        let (mut io, sender) = first.block_on(async {
            let (mut io, server) = tokio::io::duplex(1024);
            io.write_all(request("/", "").as_bytes()).await.unwrap();
            let acceptor = Acceptor::new(AcceptAll).with_config(quiet().with_shutdown(&shutdown));
            let (socket, ()) = acceptor.accept(server).await.unwrap();
            let (give, take) = oneshot::channel();
            tokio::spawn(socket.drive(async move |socket: WebSocket<_>| {
                let (sender, receiver) = socket.split();
                assert!(give.send(sender).is_ok());
                if is_closing {
                    drop(receiver);
                    return;
                }
                let _receiver = receiver;
                pending::<()>().await;
            }));
            let sender = take.await.unwrap();
            settle().await;
            (io, sender)
        });
        drop(first);
        assert_eq!(shutdown.connections(), 0);
        assert!(sender.is_closed());
        runtime().block_on(async {
            let mut answer = Vec::new();
            at_once(io.read_to_end(&mut answer)).await.unwrap();
            assert!(answer.ends_with(b"\r\n\r\n\x88\x02\x03\xe8"), "{answer:?}");
            assert!(matches!(sender.send("late").await, Err(Error::AlreadyClosed)));
        });
    }
}
