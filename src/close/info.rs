//! How a connection ended (RFC 6455 §7.1.5 and §7.1.6).

use tungstenite::protocol::CloseFrame;

/// How a connection ended, or is ending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloseInfo {
    pub(crate) received: Option<Option<CloseFrame>>,
    pub(crate) sent: Option<CloseFrame>,
    pub(crate) error: Option<String>,
}

impl CloseInfo {
    /// Returns the connection's close code (RFC 6455 §7.1.5): that of the peer's Close frame, 1005
    /// if it had none, 1006 if no Close frame came, or one with a code that must not be sent, which
    /// is a protocol violation.
    pub fn code(&self) -> u16 {
        match &self.received {
            Some(Some(frame)) => frame.code.into(),
            Some(None) => 1005,
            None => 1006,
        }
    }

    /// Returns the connection's close reason (RFC 6455 §7.1.6): that of the peer's Close frame, or
    /// an empty string.
    pub fn reason(&self) -> &str {
        match &self.received {
            Some(Some(frame)) => &frame.reason,
            _ => "",
        }
    }

    /// Returns `true` if the peer's Close frame came.
    pub fn is_clean(&self) -> bool {
        self.received.is_some()
    }

    /// Returns the Close frame with which this side began to close. It is `None` if this side only
    /// answered the peer's, and if its own had no code.
    pub fn sent(&self) -> Option<&CloseFrame> {
        self.sent.as_ref()
    }

    /// Returns the error that ended the connection, if one did: reading failed, the peer broke the
    /// protocol or did not answer a ping, or the closing handshake made no progress in time.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }
}
