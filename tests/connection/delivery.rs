//! Messages that other tasks queue for the driver.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use tokio::{runtime, sync::oneshot};
use tower_websocket::{Config, Sender};

use crate::{
    pair::{Pair, Socket, at_once, drive, finish, settle},
    transport::{Transport, over_each_transport},
};

over_each_transport! {
    handler_is_not_polled_for_messages_of_others,
    each_of_many_sockets_gets_its_messages_in_order_and_in_one_write,
    messages_of_a_stopping_runtime_arrive,
    messages_sent_outside_a_runtime_arrive,
}

/// More than the number of sockets written in one turn.
const LISTENERS: usize = 100;

/// Returns a socket whose handler passes its sender out and then only receives.
async fn listener<T: Transport>() -> (Pair<T>, Sender<T::Io>) {
    let (pair, sender, _) = counted_listener::<T>().await;
    (pair, sender)
}

/// The same, and the number of polls of the handler.
async fn counted_listener<T: Transport>() -> (Pair<T>, Sender<T::Io>, Arc<AtomicUsize>) {
    let (tell, told) = oneshot::channel();
    let polls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&polls);
    let pair = drive::<T, _>(Config::new(), move |socket: Socket<T>| async move {
        let (sender, mut receiver) = socket.split();
        assert!(tell.send(sender).is_ok());
        let mut receive = pin!(async { while let Some(Ok(_)) = receiver.recv().await {} });
        poll_fn(|cx| {
            counter.fetch_add(1, Ordering::Relaxed);
            receive.as_mut().poll(cx)
        })
        .await;
    })
    .await;
    let sender = told.await.unwrap();
    settle().await;
    (pair, sender, polls)
}

async fn close<T: Transport>(mut pair: Pair<T>, sender: Sender<T::Io>) {
    drop(sender);
    pair.answer_close(1000).await;
    pair.finish().await;
}

async fn handler_is_not_polled_for_messages_of_others<T: Transport>() {
    let (mut pair, sender, polls) = counted_listener::<T>().await;
    let before = polls.load(Ordering::Relaxed);
    for text in ["one", "two"] {
        sender.try_send(text).unwrap();
        assert_eq!(at_once(pair.recv_text()).await, text);
    }
    assert_eq!(polls.load(Ordering::Relaxed), before);
    close(pair, sender).await;
}

async fn each_of_many_sockets_gets_its_messages_in_order_and_in_one_write<T: Transport>() {
    let mut listeners = Vec::new();
    for _ in 0..LISTENERS {
        listeners.push(listener::<T>().await);
    }
    let before: Vec<_> = listeners.iter().map(|(pair, _)| pair.writes()).collect();
    for message in ["one", "two", "three"] {
        for (_, sender) in &listeners {
            sender.try_send(message).unwrap();
        }
    }
    for ((pair, _), before) in listeners.iter_mut().zip(before) {
        for message in ["one", "two", "three"] {
            assert_eq!(at_once(pair.recv_text()).await, message);
        }
        assert_eq!(pair.writes() - before, 1);
    }
    let mut pairs = Vec::new();
    for (mut pair, sender) in listeners {
        drop(sender);
        pair.answer_close(1000).await;
        pairs.push(pair);
    }
    finish::<T, LISTENERS>(pairs.try_into().ok().unwrap()).await;
}

async fn messages_of_a_stopping_runtime_arrive<T: Transport>() {
    let (mut pair, sender) = listener::<T>().await;
    let other = thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(sender.send("hello")).unwrap();
        // The runtime is kept, but not polled.
        (runtime, sender)
    });
    let (runtime, sender) = other.join().unwrap();
    assert_eq!(at_once(pair.recv_text()).await, "hello");
    runtime.shutdown_background();
    close(pair, sender).await;
}

async fn messages_sent_outside_a_runtime_arrive<T: Transport>() {
    let (mut pair, sender) = listener::<T>().await;
    let sender = thread::spawn(move || {
        sender.try_send("hello").unwrap();
        sender
    });
    let sender = sender.join().unwrap();
    assert_eq!(at_once(pair.recv_text()).await, "hello");
    close(pair, sender).await;
}
