//! What joins the processes: NATS, or nothing where there is only one.

use std::time::Duration;

use async_nats::{Client, Subject, SubscribeError, Subscriber};
use tokio::time::timeout;

use crate::event::{Notice, Said};

/// The way from each process to all.
#[derive(Clone)]
pub(crate) enum Bus {
    Alone,
    Nats(Client),
}

impl Bus {
    /// Publishes in a room. `false` when there is no bus, so that the caller is to hear it itself.
    ///
    /// Waits while NATS is behind: so does the handler then, and in the end the client.
    pub(crate) async fn publish(&self, room: &str, notice: &Notice) -> bool {
        let Self::Nats(client) = self else { return false };
        if let Err(error) = client.publish(notices(room), encode(notice).into()).await {
            eprintln!("publishing failed: {error}");
        }
        true
    }

    /// What is published in a room from now on.
    pub(crate) async fn notices(&self, room: &str) -> Result<Option<Subscriber>, SubscribeError> {
        let Self::Nats(client) = self else { return Ok(None) };
        client.subscribe(notices(room)).await.map(Some)
    }

    /// What other processes ask about a room. Only one of those that know it is asked.
    pub(crate) async fn questions(&self, room: &str) -> Result<Option<Subscriber>, SubscribeError> {
        let Self::Nats(client) = self else { return Ok(None) };
        client.queue_subscribe(history(room), "history".to_owned()).await.map(Some)
    }

    /// What was said in a room, from a process that knows. When none does, NATS says so at once;
    /// either answer comes after NATS has taken note of the subscriptions that were made before.
    pub(crate) async fn history(&self, room: &str) -> Vec<Said> {
        let Self::Nats(client) = self else { return Vec::new() };
        match timeout(Duration::from_secs(1), client.request(history(room), "".into())).await {
            Ok(Ok(answer)) => serde_json::from_slice(&answer.payload).unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    pub(crate) async fn answer(&self, to: Option<Subject>, history: &[Said]) {
        if let (Self::Nats(client), Some(to)) = (self, to) {
            let _ = client.publish(to, encode(history).into()).await;
        }
    }

    /// Waits until all that was published has left, but not for a NATS that is gone.
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
