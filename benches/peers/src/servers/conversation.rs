//! The work of a socket that is a stream and a sink of messages.

use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream, StreamExt};

use super::{
    role::Role,
    topic::{topic, topics},
};

/// A message type of the crate under test.
pub(super) trait Data: Sized {
    /// Returns whether the message is text or binary.
    fn is_data(&self) -> bool;
    fn from_bytes(bytes: Bytes) -> Self;
    fn into_bytes(self) -> Bytes;
}

/// Uses `socket` as the path of its request asks.
pub(super) async fn converse<S, M, E>(socket: S, path: &str)
where
    S: Stream<Item = Result<M, E>> + Sink<M> + Unpin,
    M: Data,
{
    match Role::of(path) {
        Role::Publish(count) => publish(socket, count).await,
        Role::Subscribe(number) => subscribe(socket, number).await,
        Role::Echo => echo(socket).await,
        Role::Sink => sink(socket).await,
    }
}

async fn echo<S, M, E>(mut socket: S)
where
    S: Stream<Item = Result<M, E>> + Sink<M> + Unpin,
    M: Data,
{
    while let Some(Ok(message)) = socket.next().await {
        if message.is_data() && socket.send(message).await.is_err() {
            return;
        }
    }
}

async fn sink<S, M, E>(mut socket: S)
where
    S: Stream<Item = Result<M, E>> + Unpin,
{
    while let Some(Ok(_)) = socket.next().await {}
}

async fn publish<S, M, E>(mut socket: S, count: usize)
where
    S: Stream<Item = Result<M, E>> + Unpin,
    M: Data,
{
    let mut topics = topics(count);
    while let Some(Ok(message)) = socket.next().await {
        if let (true, Some(topic)) = (message.is_data(), topics.next()) {
            // Without a subscriber, there is nothing to do.
            let _ = topic.send(message.into_bytes());
        }
    }
}

async fn subscribe<S, M, E>(mut socket: S, number: usize)
where
    S: Stream<Item = Result<M, E>> + Sink<M> + Unpin,
    M: Data,
{
    let mut messages = topic(number).subscribe();
    loop {
        tokio::select! {
            message = messages.recv() => {
                let Ok(bytes) = message else { return };
                if socket.send(M::from_bytes(bytes)).await.is_err() {
                    return;
                }
            }
            message = socket.next() => {
                let Some(Ok(_)) = message else { return };
            }
        }
    }
}
