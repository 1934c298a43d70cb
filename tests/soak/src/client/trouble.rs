//! Why a client could not go on as planned.

use std::{fmt, io};

/// Why a client could not go on as planned.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The server sent Close, which is answered.
    Closed(u16),
    /// The stream ended.
    End,
    Io(io::Error),
    /// What was waited for did not come.
    Late(&'static str),
    /// The server sent what it should not have.
    Wrong(String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed(code) => write!(f, "the server closed with {code}"),
            Self::End => f.write_str("the stream ended"),
            Self::Io(error) => error.fmt(f),
            Self::Late(what) => write!(f, "no {what} came in time"),
            Self::Wrong(what) => f.write_str(what),
        }
    }
}
