//! The two halves.

use std::time::Duration;

use futures_util::SinkExt;
use raw_client::whole::{BINARY, TEXT};
use tokio::{
    sync::oneshot,
    time::{sleep, timeout},
};
use tower_websocket::{CloseCode, Config, Message, websocket::TrySendError};

use crate::{
    pair::{Socket, drive, open},
    transport::{Transport, over_each_transport},
};

over_each_transport! {
    queued_messages_are_sent_in_one_write,
    full_buffer_makes_send_wait_and_try_send_fail,
    dropping_the_last_sender_closes_and_receiving_continues,
    dropping_the_receiver_closes,
    sender_can_close_with_a_code,
    halves_without_a_driver_get_one,
    two_tasks_talk_over_one_socket,
}

async fn queued_messages_are_sent_in_one_write<T: Transport>() {
    let (senders, sender) = oneshot::channel();
    let mut pair = drive::<T, _>(Config::new(), async |socket: Socket<T>| {
        let (sender, mut receiver) = socket.split();
        senders.send(sender).unwrap();
        while receiver.recv().await.is_some() {}
    })
    .await;
    let sender = sender.await.unwrap();
    for n in 0..16 {
        if n % 2 == 0 { sender.try_send("x").unwrap() } else { sender.clone().send("x").await.unwrap() }
    }
    for _ in 0..16 {
        assert_eq!(pair.recv_text().await, "x");
    }
    assert_eq!(pair.writes(), 1);
    drop(sender);
    pair.answer_close(1000).await;
    pair.finish().await;
}

async fn full_buffer_makes_send_wait_and_try_send_fail<T: Transport>() {
    let config = Config::new().max_write_buffer_size(100_000).keepalive_interval(None);
    let (mut pair, socket) = open::<T>(config, 50_000).await;
    let (sender, receiver) = socket.split();
    let mut sent = 0;
    let full = loop {
        match sender.try_send(Message::binary(vec![0; 10_000])) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
        tokio::task::yield_now().await;
    };
    let TrySendError::Full(message) = full else { panic!("{full}") };
    assert_eq!(message.len(), 10_000);
    assert!((10..=20).contains(&sent), "{sent}");
    assert!(timeout(Duration::from_secs(1), sender.send(message.clone())).await.is_err());

    let waiting = tokio::spawn(async move {
        sender.send(message).await.unwrap();
        sender.flush().await.unwrap();
    });
    for _ in 0..sent + 1 {
        assert_eq!(pair.recv().await.0, BINARY);
    }
    waiting.await.unwrap();
    pair.answer_close(1000).await;
    drop(receiver);
    pair.finish().await;
}

async fn dropping_the_last_sender_closes_and_receiving_continues<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |socket: Socket<T>| {
        let (sender, mut receiver) = socket.split();
        let other = sender.clone();
        drop(sender);
        other.send("still open").await.unwrap();
        drop(other);
        assert_eq!(receiver.recv().await.unwrap().unwrap(), Message::text("late"));
        assert!(receiver.recv().await.unwrap().unwrap().is_close());
        assert!(receiver.recv().await.is_none());
        assert_eq!(receiver.close_info().unwrap().code(), 1000);
    })
    .await;
    assert_eq!(pair.recv_text().await, "still open");
    assert_eq!(pair.recv_close().await.0, 1000);
    pair.text("late").await;
    pair.send_close(1000, "").await;
    pair.eof().await;
    pair.finish().await;
}

async fn dropping_the_receiver_closes<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |socket: Socket<T>| {
        let (sender, receiver) = socket.split();
        drop(receiver);
        assert!(sender.is_closed());
        assert!(sender.send("x").await.is_err());
        assert!(matches!(sender.try_send("x"), Err(TrySendError::Closed(message)) if message.is_text()));
    })
    .await;
    pair.answer_close(1000).await;
    pair.finish().await;
}

async fn sender_can_close_with_a_code<T: Transport>() {
    let (mut pair, socket) = open::<T>(Config::new(), 1024).await;
    let (sender, mut receiver) = socket.split();
    sender.send("first").await.unwrap();
    sender.close(CloseCode::POLICY_VIOLATION, "rude");
    assert_eq!(pair.recv_text().await, "first");
    assert_eq!(pair.recv_close().await, (1008, "rude".into()));
    pair.send_close(1008, "").await;
    assert!(receiver.recv().await.unwrap().unwrap().is_close());
    assert!(receiver.recv().await.is_none());
    pair.eof().await;
    drop((sender, receiver));
    pair.finish().await;
}

async fn halves_without_a_driver_get_one<T: Transport>() {
    let (mut pair, socket) = open::<T>(Config::new(), 1024).await;
    let (mut sender, mut receiver) = socket.split();
    // The receiver is not polled, and yet the messages are sent.
    sender.send(Message::text("one")).await.unwrap();
    SinkExt::send(&mut sender, Message::text("two")).await.unwrap();
    assert_eq!(pair.recv_text().await, "one");
    assert_eq!(pair.recv_text().await, "two");
    pair.text("back").await;
    assert_eq!(receiver.recv().await.unwrap().unwrap(), Message::text("back"));
    drop((sender, receiver));
    pair.answer_close(1000).await;
    pair.finish().await;
}

async fn two_tasks_talk_over_one_socket<T: Transport>() {
    let mut pair = drive::<T, _>(Config::new(), async |socket: Socket<T>| {
        let (sender, mut receiver) = socket.split();
        let ticker = tokio::spawn({
            let sender = sender.clone();
            async move {
                while sender.send("tick").await.is_ok() {
                    sleep(Duration::from_secs(1)).await;
                }
            }
        });
        while let Some(Ok(message)) = receiver.recv().await {
            if message.is_text() {
                sender.send(message).await.unwrap();
            }
        }
        ticker.await.unwrap();
    })
    .await;
    assert_eq!(pair.recv_text().await, "tick");
    pair.text("echo").await;
    assert_eq!(pair.recv().await, (TEXT, b"echo".to_vec()));
    assert_eq!(pair.recv_text().await, "tick");
    pair.send_close(1000, "").await;
    pair.recv_close().await;
    pair.finish().await;
}
