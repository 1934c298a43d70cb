//! Why a client could not continue as planned.

use std::{fmt, io};

/// Why a client could not continue as planned.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The server sent a Close, which is answered.
    Closed(u16),
    /// The stream ended.
    End,
    Io(io::Error),
    /// The expected data did not arrive.
    Late(&'static str),
    /// The server sent invalid data.
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
