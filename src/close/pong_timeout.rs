//! The error of a peer that does not answer a ping.

use std::{error::Error, fmt, io};

/// The peer did not answer a ping in time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PongTimeout;

impl fmt::Display for PongTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the peer did not answer a ping in time")
    }
}

impl Error for PongTimeout {}

impl From<PongTimeout> for io::Error {
    fn from(error: PongTimeout) -> Self {
        Self::new(io::ErrorKind::TimedOut, error)
    }
}

/// Returns whether a connection failed because the peer did not answer a ping.
pub(super) fn is_pong_timeout(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|error| error.is::<PongTimeout>())
}
