//! What is done with a socket that is a stream and a sink of messages.

use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream, StreamExt};

use super::topic::topic;

/// A message as the crate under test has it.
pub(super) trait Data: Sized {
    /// Text or binary, nothing else.
    fn is_data(&self) -> bool;
    fn from_bytes(bytes: Bytes) -> Self;
    fn into_bytes(self) -> Bytes;
}

/// Talks over `socket` as `path` asks.
pub(super) async fn converse<S, M, E>(socket: S, path: &str)
where
    S: Stream<Item = Result<M, E>> + Sink<M> + Unpin,
    M: Data,
{
    match path {
        "/pub" => publish(socket).await,
        "/sub" => subscribe(socket).await,
        _ => echo(socket).await,
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

async fn publish<S, M, E>(mut socket: S)
where
    S: Stream<Item = Result<M, E>> + Unpin,
    M: Data,
{
    while let Some(Ok(message)) = socket.next().await {
        if message.is_data() {
            // Without a subscriber it goes nowhere.
            let _ = topic().send(message.into_bytes());
        }
    }
}

async fn subscribe<S, M, E>(mut socket: S)
where
    S: Stream<Item = Result<M, E>> + Sink<M> + Unpin,
    M: Data,
{
    let mut messages = topic().subscribe();
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
