//! Close reasons (RFC 6455 §7.1.6).

use std::{error::Error, fmt};

use tungstenite::Utf8Bytes;

/// The reason in a Close frame: UTF-8 text of at most 123 bytes (RFC 6455 §5.5).
///
/// [`WebSocket::close`](crate::WebSocket::close) takes any text, and truncates it if it is too
/// long. Use [`try_from`](Self::try_from) for a text that must not be truncated.
///
/// # Examples
///
/// ```
/// use tower_websocket::close::CloseReason;
///
/// let reason = CloseReason::try_from("session expired")?;
/// assert_eq!(reason.as_str(), "session expired");
///
/// let long = "a".repeat(124);
/// assert!(CloseReason::try_from(long.as_str()).is_err());
/// assert_eq!(CloseReason::truncated(&long).as_str().len(), CloseReason::MAX);
/// # Ok::<(), tower_websocket::close::CloseReasonTooLong>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CloseReason(Utf8Bytes);

impl CloseReason {
    /// The largest length of a reason, in bytes: the 125 bytes of a control frame without the 2
    /// bytes of the code.
    ///
    /// See the [example](Self#examples) of the type.
    pub const MAX: usize = 123;

    /// Creates a reason from `text`, truncated between two characters if it is too long.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn truncated(text: &str) -> Self {
        let mut end = text.len().min(Self::MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self(Utf8Bytes::from(&text[..end]))
    }

    /// Returns the text of the reason.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl TryFrom<&str> for CloseReason {
    type Error = CloseReasonTooLong;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        if text.len() <= Self::MAX { Ok(Self(text.into())) } else { Err(CloseReasonTooLong(text.len())) }
    }
}

impl TryFrom<String> for CloseReason {
    type Error = CloseReasonTooLong;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::try_from(text.as_str())
    }
}

impl AsRef<str> for CloseReason {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl From<CloseReason> for Utf8Bytes {
    fn from(reason: CloseReason) -> Self {
        reason.0
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The error of converting a text that is too long into a [`CloseReason`].
///
/// # Examples
///
/// ```
/// use tower_websocket::close::CloseReason;
///
/// let error = CloseReason::try_from("a".repeat(124)).unwrap_err();
/// assert_eq!(error.to_string(), "the close reason has 124 bytes, it may have at most 123");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseReasonTooLong(usize);

impl fmt::Display for CloseReasonTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the close reason has {} bytes, it may have at most {}", self.0, CloseReason::MAX)
    }
}

impl Error for CloseReasonTooLong {}

#[cfg(test)]
mod tests;
