//! Close codes and reasons (RFC 6455 §7.1.5, §7.1.6 and §7.4).

use std::{error::Error, fmt};

use tungstenite::{
    Utf8Bytes,
    error::ProtocolError,
    protocol::{CloseFrame, frame::coding},
};

use crate::deflate::is_bad_data;

/// A status code that may stand in a Close frame (RFC 6455 §7.4).
///
/// 1005, 1006 and 1015 are for reports only and never sent, 1004 and other numbers below 3000 are reserved: a value
/// of this type is none of them. From 3000 on, 3999 and below are registered with IANA, 4000 to 4999 are private.
///
/// ```
/// use tower_websocket::CloseCode;
///
/// assert_eq!(CloseCode::try_from(4001)?.get(), 4001);
/// assert!(CloseCode::try_from(1005).is_err());
/// # Ok::<(), tower_websocket::InvalidCloseCode>(())
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

    /// The code as a number.
    pub fn get(self) -> u16 {
        self.0
    }

    pub(crate) fn frame(self, reason: CloseReason) -> CloseFrame {
        CloseFrame { code: self.0.into(), reason: reason.0 }
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
        if coding::CloseCode::from(code).is_allowed() { Ok(Self(code)) } else { Err(InvalidCloseCode(code)) }
    }
}

impl From<CloseCode> for coding::CloseCode {
    fn from(code: CloseCode) -> Self {
        code.0.into()
    }
}

/// A number that is no close code, or none that may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCloseCode(u16);

impl fmt::Display for InvalidCloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not a close code that may be sent", self.0)
    }
}

impl Error for InvalidCloseCode {}

/// The reason in a Close frame: UTF-8 of at most 123 bytes (RFC 6455 §5.5).
///
/// A longer text is cut to that, between two characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloseReason(Utf8Bytes);

impl CloseReason {
    /// The largest reason, in bytes: a control frame's 125 less the code's 2.
    pub const MAX: usize = 123;

    /// The reason's text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl From<&str> for CloseReason {
    fn from(text: &str) -> Self {
        let mut end = text.len().min(Self::MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self(Utf8Bytes::from(&text[..end]))
    }
}

impl From<String> for CloseReason {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The code that tells the peer of an error on reading (RFC 6455 §7.1.7); `None` where nobody is left to be told.
pub(super) fn code_of(error: &tungstenite::Error) -> Option<CloseCode> {
    use tungstenite::Error as E;
    match error {
        E::Protocol(
            ProtocolError::ResetWithoutClosingHandshake
            | ProtocolError::ReceivedAfterClosing
            | ProtocolError::SendAfterClosing,
        ) => None,
        E::Protocol(_) | E::AttackAttempt => Some(CloseCode::PROTOCOL_ERROR),
        E::Utf8(_) => Some(CloseCode::INVALID_PAYLOAD),
        E::Io(error) if is_bad_data(error) => Some(CloseCode::INVALID_PAYLOAD),
        E::Capacity(_) => Some(CloseCode::MESSAGE_TOO_BIG),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tungstenite::error::{CapacityError, Error, ProtocolError};

    use super::{CloseCode, CloseReason, code_of};

    #[test]
    fn only_codes_that_may_be_sent_are_codes() {
        // Miri is slow.
        for code in if cfg!(miri) { 990..=1020 } else { 0..=u16::MAX } {
            let may_be_sent = matches!(code, 1000..=1003 | 1007..=1013 | 3000..=4999);
            match CloseCode::try_from(code) {
                Ok(valid) => assert!(may_be_sent && valid.get() == code, "{code}"),
                Err(error) => assert!(!may_be_sent && error.to_string().starts_with(&format!("{code} "))),
            }
        }
    }

    #[test]
    fn a_reason_is_cut_between_two_characters() {
        for (text, expected) in [
            ("", 0),
            ("short", 5),
            (&*"x".repeat(123), 123),
            (&*"x".repeat(124), 123),
            (&*"é".repeat(62), 122),
            (&*"😀".repeat(31), 120),
        ] {
            let reason = CloseReason::from(text);
            assert_eq!(reason.as_str(), &text[..expected]);
        }
    }

    #[test]
    fn each_error_has_its_code() {
        let too_long = CapacityError::MessageTooLong { size: 2, max_size: 1 };
        for (error, code) in [
            (Error::Protocol(ProtocolError::NonZeroReservedBits), Some(CloseCode::PROTOCOL_ERROR)),
            (Error::Utf8(String::new()), Some(CloseCode::INVALID_PAYLOAD)),
            (Error::Capacity(too_long), Some(CloseCode::MESSAGE_TOO_BIG)),
            (Error::Protocol(ProtocolError::ResetWithoutClosingHandshake), None),
            (Error::Io(std::io::ErrorKind::ConnectionReset.into()), None),
        ] {
            assert_eq!(code_of(&error), code, "{error}");
        }
    }

    proptest! {
        #![proptest_config(crate::header::arbitrary::config())]

        #[test]
        fn a_reason_is_as_much_of_a_text_as_fits(text in "\\PC{0,160}") {
            let reason = CloseReason::from(&*text);
            let rest = text.strip_prefix(reason.as_str()).unwrap();
            prop_assert!(reason.as_str().len() <= CloseReason::MAX);
            if let Some(next) = rest.chars().next() {
                prop_assert!(reason.as_str().len() + next.len_utf8() > CloseReason::MAX);
            }
        }
    }
}
