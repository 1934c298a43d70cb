//! The connection between the processes: NATS, or none for a single process.

use std::{collections::VecDeque, time::Duration};

use async_nats::{Client, Subject, SubscribeError, Subscriber};
use tokio::time::timeout;

use crate::event::{Notice, Said};

/// Publishes to every process.
#[derive(Clone)]
pub(crate) enum Bus {
    Alone,
    Nats(Client),
}

impl Bus {
    /// Publishes a notice in a room. Returns `false` without a bus; the caller then has to
    /// handle the notice itself.
    ///
    /// Waits while NATS is behind. The handler then stops receiving, which slows the client down.
    pub(crate) async fn publish(&self, room: &str, notice: &Notice) -> bool {
        let Self::Nats(client) = self else { return false };
        if let Err(error) = client.publish(notices(room), encode(notice).into()).await {
            eprintln!("publishing failed: {error}");
        }
        true
    }

    /// Returns the notices that are published in a room from now on.
    pub(crate) async fn notices(&self, room: &str) -> Result<Option<Subscriber>, SubscribeError> {
        let Self::Nats(client) = self else { return Ok(None) };
        client.subscribe(notices(room)).await.map(Some)
    }

    /// Returns the questions of other processes about a room. Only one of the processes that know
    /// the room is asked.
    pub(crate) async fn questions(&self, room: &str) -> Result<Option<Subscriber>, SubscribeError> {
        let Self::Nats(client) = self else { return Ok(None) };
        client.queue_subscribe(history(room), "history".to_owned()).await.map(Some)
    }

    /// Returns the history of a room from another process. If no process knows the room, NATS
    /// replies so at once. Either reply arrives after NATS has processed the earlier subscriptions.
    pub(crate) async fn history(&self, room: &str) -> Vec<Said> {
        let Self::Nats(client) = self else { return Vec::new() };
        match timeout(Duration::from_secs(1), client.request(history(room), "".into())).await {
            Ok(Ok(answer)) => serde_json::from_slice(&answer.payload).unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    pub(crate) async fn answer(&self, to: Option<Subject>, history: &VecDeque<Said>) {
        if let (Self::Nats(client), Some(to)) = (self, to) {
            let _ = client.publish(to, encode(history).into()).await;
        }
    }

    /// Waits until all published notices are sent. Returns early if NATS is gone.
    pub(crate) async fn flush(&self) {
        if let Self::Nats(client) = self {
            let _ = timeout(Duration::from_secs(2), client.flush()).await;
        }
    }
}

fn encode<T: serde::Serialize + ?Sized>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("it has JSON")
}

fn notices(room: &str) -> String {
    format!("chat.room.{room}")
}

fn history(room: &str) -> String {
    format!("chat.history.{room}")
}
