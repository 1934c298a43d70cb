//! How a failed connection is closed (RFC 6455 §7.1.7).

use tungstenite::{Error, error::ProtocolError, protocol::frame::coding::CloseCode};

use crate::deflate::is_bad_data;

/// Returns the code that tells the peer of an error on reading; `None` where nobody is left to be told.
pub(crate) fn close_code(error: &Error) -> Option<CloseCode> {
    match error {
        Error::Protocol(
            ProtocolError::ResetWithoutClosingHandshake
            | ProtocolError::ReceivedAfterClosing
            | ProtocolError::SendAfterClosing,
        ) => None,
        Error::Protocol(_) | Error::AttackAttempt => Some(CloseCode::Protocol),
        Error::Utf8(_) => Some(CloseCode::Invalid),
        Error::Io(error) if is_bad_data(error) => Some(CloseCode::Invalid),
        Error::Capacity(_) => Some(CloseCode::Size),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use tungstenite::error::{CapacityError, Error, ProtocolError};

    use super::close_code;

    #[test]
    fn each_error_has_its_code() {
        let too_long = CapacityError::MessageTooLong { size: 2, max_size: 1 };
        for (error, code) in [
            (Error::Protocol(ProtocolError::NonZeroReservedBits), Some(1002)),
            (Error::Utf8(String::new()), Some(1007)),
            (Error::Capacity(too_long), Some(1009)),
            (Error::Protocol(ProtocolError::ResetWithoutClosingHandshake), None),
            (Error::Io(std::io::ErrorKind::ConnectionReset.into()), None),
        ] {
            assert_eq!(close_code(&error).map(u16::from), code, "{error}");
        }
    }
}
