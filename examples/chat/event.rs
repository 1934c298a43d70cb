//! The JSON messages between the page and the server.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use tower_websocket::Message;

/// A message from the page.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Command {
    /// The page chooses the id. If it does not know whether the message arrived, it sends it again
    /// with the same id.
    Say { id: String, text: String },
}

/// A message to the page.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Event<'a> {
    /// The first event: the members and the newest messages.
    Welcome {
        people: Vec<&'a str>,
        history: Vec<&'a Said>,
    },
    Said(&'a Said),
    Joined {
        name: &'a str,
    },
    Left {
        name: &'a str,
    },
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Said {
    pub(crate) id: String,
    pub(crate) from: String,
    pub(crate) text: String,
    /// Milliseconds since 1970.
    pub(crate) at: u64,
}

impl From<Event<'_>> for Message {
    fn from(event: Event<'_>) -> Self {
        Self::text(serde_json::to_string(&event).expect("an event has JSON"))
    }
}

/// The maximum size in bytes of the history that a new member gets. It must fit into the write
/// buffer, as a member whose buffer is full is closed.
const MAX_HISTORY: usize = 48 * 1024;

/// Returns the newest messages that a new member gets.
pub(crate) fn recent(history: &VecDeque<Said>) -> Vec<&Said> {
    let mut size = 0;
    let is_in = |said: &&Said| {
        size += serde_json::to_string(said).expect("a message has JSON").len() + 1;
        size <= MAX_HISTORY
    };
    let mut recent: Vec<_> = history.iter().rev().take_while(is_in).collect();
    recent.reverse();
    recent
}
