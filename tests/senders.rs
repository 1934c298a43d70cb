//! Senders as keys of a registry, weak senders, and senders as sinks that are closed.
#![cfg(feature = "testing")]

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use futures_util::{FutureExt, SinkExt, StreamExt, stream};
use tokio::time::timeout;
use tower_websocket::{
    CloseCode, Error, Message,
    testing::pair,
    websocket::{TrySendError, WebSocketId},
};

#[tokio::test]
async fn id_belongs_to_one_socket_and_its_halves() {
    let mut sockets = HashMap::new();
    let mut ids: HashSet<WebSocketId> = HashSet::new();
    for _ in 0..100 {
        let (socket, client) = pair();
        let id = socket.id();
        let (sender, receiver) = socket.split();
        assert_eq!((sender.id(), receiver.id(), sender.downgrade().id()), (id, id, id));
        assert!(ids.insert(id), "{id} twice");
        sockets.insert(id, (sender, receiver, client));
    }
    let senders: Vec<_> = sockets.values().map(|(sender, ..)| sender).collect();
    assert!(senders[0].same_connection(&senders[0].clone()));
    assert!(!senders[0].same_connection(senders[1]));
    let id = senders[0].id();
    assert!(id.to_string().parse::<u64>().is_ok(), "{id}");
}

#[tokio::test(start_paused = true)]
async fn weak_sender_keeps_nothing_open() {
    let (socket, mut client) = pair();
    let (sender, mut receiver) = socket.split();
    let weak = sender.downgrade();
    weak.upgrade().expect("it is open").send("hello").await.unwrap();
    assert_eq!(client.recv_text().await, "hello");
    let again = weak.clone().upgrade().expect("it is open");
    drop(sender);
    // The upgraded one is the last now.
    again.send("still here").await.unwrap();
    assert_eq!(client.recv_text().await, "still here");
    drop(again);
    assert!(weak.upgrade().is_none(), "the last sender is gone");
    let close = client.recv().await.unwrap().unwrap();
    assert!(matches!(close, Message::Close(Some(frame)) if frame.code == CloseCode::NORMAL.as_u16().into()));
    while let Some(Ok(_)) = receiver.recv().await {}
    drop(receiver);
    assert!(weak.upgrade().is_none(), "the socket is gone");
}

#[tokio::test(start_paused = true)]
async fn weak_sender_of_a_closing_socket_does_not_upgrade() {
    let (socket, mut client) = pair();
    let (sender, mut receiver) = socket.split();
    let weak = sender.downgrade();
    let closing = tokio::spawn(async move { client.close(CloseCode::NORMAL, "").await });
    while let Some(Ok(_)) = receiver.recv().await {}
    assert!(weak.upgrade().is_none());
    closing.await.unwrap();
    drop(sender);
}

/// The last sender is dropped while others upgrade. An upgraded sender can send, and the socket
/// closes once all are dropped.
#[tokio::test(flavor = "multi_thread")]
async fn upgrading_races_with_the_last_drop() {
    for _ in 0..500 {
        let (socket, mut client) = pair();
        let (sender, mut receiver) = socket.split();
        let barrier = Arc::new(Barrier::new(3));
        let upgrading: Vec<_> = (0..2)
            .map(|_| {
                let (weak, barrier) = (sender.downgrade(), Arc::clone(&barrier));
                thread::spawn(move || {
                    barrier.wait();
                    weak.upgrade().map(|sender| sender.try_send("sent"))
                })
            })
            .collect();
        let dropping = thread::spawn(move || {
            barrier.wait();
            drop(sender);
        });
        let results: Vec<_> = upgrading.into_iter().map(|thread| thread.join().unwrap()).collect();
        dropping.join().unwrap();
        let sent = results.iter().flatten().inspect(|result| assert!(result.is_ok(), "{result:?}")).count();
        let receiving = tokio::spawn(async move { while let Some(Ok(_)) = receiver.recv().await {} });
        let mut messages = 0;
        while let Some(Ok(message)) = timeout(Duration::from_secs(5), client.recv()).await.expect("it closes")
        {
            messages += usize::from(message.is_text());
        }
        assert_eq!(messages, sent);
        receiving.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn forwarding_closes_its_sender_and_the_last_one_closes_the_socket() {
    let (socket, mut client) = pair();
    let (first, _receiver) = socket.split();
    let mut last = first.clone();
    let messages = |text: &'static str| stream::iter([Ok::<_, Error>(Message::text(text))]);

    messages("first").forward(first).await.unwrap();
    assert_eq!(client.recv_text().await, "first");
    last.send(Message::text("between")).await.unwrap();
    assert_eq!(client.recv_text().await, "between");
    assert!(!last.is_closed());

    messages("last").forward(&mut last).await.unwrap();
    assert_eq!(client.recv_text().await, "last");
    let close = client.recv().await.unwrap().unwrap();
    assert!(matches!(close, Message::Close(Some(frame)) if frame.code == CloseCode::NORMAL.as_u16().into()));
    SinkExt::<Message>::close(&mut last).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn closed_sender_sends_nothing_more_and_others_do() {
    let (socket, mut client) = pair();
    let (mut first, _receiver) = socket.split();
    let other = first.clone();
    SinkExt::<Message>::close(&mut first).await.unwrap();
    SinkExt::<Message>::close(&mut first).await.unwrap();
    assert!(first.is_closed() && first.clone().is_closed() && !other.is_closed());
    assert!(
        matches!(first.try_send("no"), Err(TrySendError::Closed(message)) if message == Message::text("no"))
    );
    assert!(matches!(tower_websocket::Sender::send(&first, "no").await, Err(Error::Protocol(_))));
    assert!(SinkExt::send(&mut first, Message::text("no")).await.is_err());
    // It counts once, however it is dropped.
    drop(first.clone());
    drop(first);
    other.send("yes").await.unwrap();
    assert_eq!(client.recv_text().await, "yes");
    drop(other);
    let close = client.recv().await.unwrap().unwrap();
    assert!(matches!(close, Message::Close(Some(frame)) if frame.code == CloseCode::NORMAL.as_u16().into()));
}

/// Closing waits until the queued messages and the Close are written.
#[tokio::test(start_paused = true)]
async fn closing_the_last_sender_waits_for_a_slow_client() {
    let (socket, mut client) = pair();
    let (mut sender, _receiver) = socket.split();
    for _ in 0..10 {
        tower_websocket::Sender::send(&sender, vec![1; 60_000]).await.unwrap();
    }
    let mut closing = Box::pin(async move { SinkExt::<Message>::close(&mut sender).await });
    assert!(timeout(Duration::from_secs(1), &mut closing).await.is_err(), "the client has read nothing");
    let mut bytes = 0;
    let close = loop {
        match client.recv().await.unwrap().unwrap() {
            Message::Close(frame) => break frame,
            message => bytes += message.len(),
        }
    };
    assert_eq!((bytes, close.map(|frame| u16::from(frame.code))), (600_000, Some(1000)));
    closing.now_or_never().expect("all is written").unwrap();
}
