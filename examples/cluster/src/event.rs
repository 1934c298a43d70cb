//! What is said: between page and server, and between the servers.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// From the page.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Command {
    /// The page made up the id; it sends the same one again when it does not know whether it was
    /// heard.
    Say { id: String, text: String },
}

/// To the page.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Event<'a> {
    /// The first: who is there and what was said.
    Welcome {
        people: &'a [String],
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

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Said {
    pub(crate) id: String,
    pub(crate) from: String,
    pub(crate) text: String,
    /// Milliseconds since 1970.
    pub(crate) at: u64,
}

/// From server to servers, on the subject of a room. Who publishes hears it too.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Notice {
    Said(Said),
    /// Who is at a process: whenever that changes, and every few seconds.
    Present {
        process: String,
        people: Vec<Presence>,
    },
    /// A process is new in the room: the others say who is at theirs.
    Hello,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Presence {
    pub(crate) name: String,
    pub(crate) key: String,
    /// Of two with one key, the later one has replaced the other. Milliseconds since 1970.
    pub(crate) since: u64,
}
