//! Close codes (RFC 6455 §7.1.5 and §7.4).

use std::{error::Error, fmt};

use tungstenite::protocol::{CloseFrame, frame::coding};

use super::CloseReason;

/// A status code that may stand in a Close frame (RFC 6455 §7.4).
///
/// 1005, 1006 and 1015 are for reports only and never sent, 1004 and other numbers below 3000 are
/// reserved: a value of this type is none of them. From 3000 on, 3999 and below are registered with
/// IANA, 4000 to 4999 are private.
///
/// ```
/// use tower_websocket::CloseCode;
///
/// assert_eq!(CloseCode::try_from(4001)?.as_u16(), 4001);
/// assert!(CloseCode::try_from(1005).is_err());
/// # Ok::<(), tower_websocket::close::InvalidCloseCode>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: the purpose of the connection is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// 1001: the endpoint goes away, as a server that shuts down.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// 1003: data of a type that cannot be accepted.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// 1007: data that does not fit its type, as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// 1008: a message that breaks a policy; where no other code fits.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// 1009: a message too big to be processed.
    pub const MESSAGE_TOO_BIG: Self = Self(1009);
    /// 1011: an unexpected condition in the server.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// 1012: the server restarts.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// 1013: the server is overloaded, the client should try again later.
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// 1014: a gateway got no valid response from the server behind it.
    pub const BAD_GATEWAY: Self = Self(1014);

    /// Creates a code of an application's own: 4000 to 4999 for private use, or one of 3000 to 3999
    /// that is registered with IANA (RFC 6455 §7.4.2).
    ///
    /// ```
    /// use tower_websocket::CloseCode;
    ///
    /// const SESSION_EXPIRED: CloseCode = CloseCode::application(4001);
    /// ```
    ///
    /// In a constant, a number outside of these ranges does not compile:
    ///
    /// ```compile_fail
    /// # use tower_websocket::CloseCode;
    /// const NOT_AN_APPLICATIONS: CloseCode = CloseCode::application(1005);
    /// ```
    ///
    /// # Panics
    ///
    /// Panics when `code` is not from 3000 to 4999. [`try_from`](Self::try_from) does not panic,
    /// and takes every code that may be sent.
    pub const fn application(code: u16) -> Self {
        assert!(3000 <= code && code <= 4999, "an application's close code must be from 3000 to 4999");
        Self(code)
    }

    /// Returns the code as a number.
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

/// Whether a status code may stand in a Close frame: those of RFC 6455 §7.4.1 that are not for
/// reports only, those that IANA has registered since (1012 to 1014), and the ranges of §7.4.2.
pub(crate) fn is_valid_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// A number that is no close code, or none that may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InvalidCloseCode(u16);

impl fmt::Display for InvalidCloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not a close code that may be sent", self.0)
    }
}

impl Error for InvalidCloseCode {}

#[cfg(test)]
mod tests {
    use super::CloseCode;

    #[test]
    fn only_codes_that_may_be_sent_are_codes() {
        // Miri is slow.
        for code in if cfg!(miri) { 990..=1020 } else { 0..=u16::MAX } {
            let may_be_sent = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
            match CloseCode::try_from(code) {
                Ok(valid) => assert!(may_be_sent && valid.as_u16() == code, "{code}"),
                Err(error) => assert!(!may_be_sent && error.to_string().starts_with(&format!("{code} "))),
            }
        }
    }
}
