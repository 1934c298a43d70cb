//! An entry of a list that does not name what it should.

use std::{error::Error, fmt};

/// An entry of [`AllowOrigin::list`](crate::AllowOrigin::list) or
/// [`AllowHost::list`](crate::AllowHost::list) that names nothing, or something that no browser
/// sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidEntry {
    entry: String,
    noun: &'static str,
    reason: &'static str,
}

impl InvalidEntry {
    /// `noun` with its article is what the entry is not.
    pub(super) fn new(entry: &str, noun: &'static str, reason: &'static str) -> Self {
        Self { entry: entry.to_owned(), noun, reason }
    }

    /// Returns the entry.
    pub fn entry(&self) -> &str {
        &self.entry
    }
}

impl fmt::Display for InvalidEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not {}: {}", self.entry, self.noun, self.reason)
    }
}

impl Error for InvalidEntry {}
