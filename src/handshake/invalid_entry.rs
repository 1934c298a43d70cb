//! The error of an invalid entry in a list of origins or hosts.

use std::{error::Error, fmt};

/// The error of an entry in [`AllowOrigin::list`](crate::AllowOrigin::list) or
/// [`AllowHost::list`](crate::AllowHost::list) that is invalid, or that no browser sends in this
/// form.
///
/// # Examples
///
/// ```
/// use tower_websocket::AllowHost;
///
/// let error = AllowHost::list(["localhost", "127.1"]).unwrap_err();
/// assert_eq!(error.entry(), "127.1");
/// assert!(error.to_string().starts_with("\"127.1\" is not a host: "));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidEntry {
    entry: String,
    noun: &'static str,
    reason: &'static str,
}

impl InvalidEntry {
    /// `noun`, with its article, names what the entry should be.
    pub(super) fn new(entry: &str, noun: &'static str, reason: &'static str) -> Self {
        Self { entry: entry.to_owned(), noun, reason }
    }

    /// Returns the invalid entry.
    ///
    /// See the [example](Self#examples) of the type.
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
