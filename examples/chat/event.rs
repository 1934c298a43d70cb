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
    /// The first event: the members and the history.
    Welcome {
        people: Vec<&'a str>,
        history: &'a VecDeque<Said>,
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
