//! Close codes (RFC 6455 §7.1.5 and §7.4).

use std::{error::Error, fmt};

use tungstenite::protocol::{CloseFrame, frame::coding};

use super::CloseReason;

/// A status code that may be sent in a Close frame (RFC 6455 §7.4).
///
/// A value of this type is never one of these codes: 1005, 1006 and 1015, which are only reported
/// and never sent, and 1004 and other numbers below 3000, which are reserved. Codes from 3000 to
/// 3999 are registered with IANA. Codes from 4000 to 4999 are for private use.
///
/// # Examples
///
/// ```
/// use tower_websocket::{CloseCode, WebSocket};
///
/// async fn reject(mut socket: WebSocket) {
///     let _ = socket.close(CloseCode::POLICY_VIOLATION, "only one connection per user").await;
/// }
///
/// assert_eq!(CloseCode::NORMAL.as_u16(), 1000);
/// assert_eq!(CloseCode::try_from(4001)?, CloseCode::application(4001));
/// assert!(CloseCode::try_from(1005).is_err());
/// # Ok::<(), tower_websocket::close::InvalidCloseCode>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose of the connection has been fulfilled.
    ///
    /// See the [example](Self#examples) of the type.
    pub const NORMAL: Self = Self(1000);
    /// 1001: the endpoint is going away: a server shuts down, or the user leaves a page.
    ///
    /// See the [example](Self#examples) of the type.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer violated the protocol.
    ///
    /// See the [example](Self#examples) of the type.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: the endpoint cannot accept this type of data.
    ///
    /// See the [example](Self#examples) of the type.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// 1007: the data does not match its type, such as text that is not UTF-8.
    ///
    /// See the [example](Self#examples) of the type.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: a message violates a policy, and no other code fits.
    ///
    /// See the [example](Self#examples) of the type.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// 1009: a message is too large.
    ///
    /// See the [example](Self#examples) of the type.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    /// 1011: an unexpected condition in the server.
    ///
    /// See the [example](Self#examples) of the type.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the server is restarting.
    ///
    /// See the [example](Self#examples) of the type.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: the server is overloaded, and the client should try again later.
    ///
    /// See the [example](Self#examples) of the type.
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// 1014: a gateway received an invalid response from the upstream server.
    ///
    /// See the [example](Self#examples) of the type.
    pub const BAD_GATEWAY: Self = Self(1014);

    /// Creates an application's own code: 4000 to 4999 for private use, or a code from 3000 to 3999
    /// that is registered with IANA (RFC 6455 §7.4.2).
    ///
    /// # Panics
    ///
    /// Panics if `code` is not from 3000 to 4999. [`try_from`](Self::try_from) does not panic, and
    /// accepts every code that may be sent.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::CloseCode;
    ///
    /// const SESSION_EXPIRED: CloseCode = CloseCode::application(4001);
    /// ```
    ///
    /// In a constant, a number outside of this range is a compile error:
    ///
    /// ```compile_fail
    /// # use tower_websocket::CloseCode;
    /// const NOT_AN_APPLICATION_CODE: CloseCode = CloseCode::application(1005);
    /// ```
    pub const fn application(code: u16) -> Self {
        assert!(3000 <= code && code <= 4999, "an application's close code must be from 3000 to 4999");
        Self(code)
    }

    /// Returns the code as a number.
    ///
    /// See the [example](Self#examples) of the type.
    pub const fn as_u16(self) -> u16 {
        self.0
    }

    pub(crate) fn frame(self, reason: CloseReason) -> CloseFrame {
        CloseFrame { code: self.0.into(), reason: reason.into() }
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<u16> for CloseCode {
    type Error = InvalidCloseCode;

    fn try_from(code: u16) -> Result<Self, Self::Error> {
        if is_valid_close_code(code) { Ok(Self(code)) } else { Err(InvalidCloseCode(code)) }
    }
}

impl From<CloseCode> for coding::CloseCode {
    fn from(code: CloseCode) -> Self {
        code.0.into()
    }
}

/// Returns whether a status code may be sent in a Close frame.
///
/// These are the codes of RFC 6455 §7.4.1 except those that are only reported, the codes registered
/// with IANA since then (1012 to 1014), and the ranges of §7.4.2.
pub(crate) fn is_valid_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// The error of converting a number that is not a close code, or that must not be sent.
///
/// # Examples
///
/// ```
/// use tower_websocket::CloseCode;
///
/// let error = CloseCode::try_from(1006).unwrap_err();
/// assert_eq!(error.to_string(), "1006 is not a close code that may be sent");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InvalidCloseCode(u16);

impl fmt::Display for InvalidCloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not a close code that may be sent", self.0)
    }
}

impl Error for InvalidCloseCode {}

#[cfg(test)]
mod tests;
