//! The error of a message that cannot be inflated.

use std::{error::Error, fmt, io};

/// The error of a message that is marked as compressed but cannot be inflated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BadData;

impl fmt::Display for BadData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a compressed message cannot be inflated")
    }
}

impl Error for BadData {}

impl From<BadData> for io::Error {
    fn from(error: BadData) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// Returns `true` if reading failed because a message could not be inflated.
pub(crate) fn is_bad_data(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|error| error.is::<BadData>())
}
