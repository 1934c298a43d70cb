//! What the page and the server say to each other, as JSON.

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
