//! How a connection ended.

use tungstenite::protocol::CloseFrame;

/// How a connection ended, or is ending.
#[derive(Clone, Debug, Default)]
pub struct Ended {
    pub(super) received: Option<Option<CloseFrame>>,
    pub(super) sent: Option<CloseFrame>,
    pub(super) error: Option<String>,
}

impl Ended {
    /// The connection's close code (RFC 6455 §7.1.5): that of the peer's Close frame, 1005 when it had none, 1006
    /// when no Close frame came. A code that must not be sent shows as 1002, with which it was answered.
    pub fn code(&self) -> u16 {
        match &self.received {
            Some(Some(frame)) => frame.code.into(),
            Some(None) => 1005,
            None => 1006,
        }
    }

    /// The connection's close reason (RFC 6455 §7.1.6): that of the peer's Close frame, or nothing.
    pub fn reason(&self) -> &str {
        match &self.received {
            Some(Some(frame)) => &frame.reason,
            _ => "",
        }
    }

    /// Whether the peer's Close frame came.
    pub fn is_clean(&self) -> bool {
        self.received.is_some()
    }

    /// The Close frame with which this side wanted to end the connection; `None` when it only answered the peer's.
    pub fn sent(&self) -> Option<&CloseFrame> {
        self.sent.as_ref()
    }

    /// The error that reading ended with, if it did.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }
}
