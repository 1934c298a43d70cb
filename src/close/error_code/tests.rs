use tungstenite::error::{CapacityError, Error, ProtocolError};

use super::close_code_of;
use crate::close::PongTimeout;

#[test]
fn each_error_has_its_code() {
    let too_long = CapacityError::MessageTooLong { size: 2, max_size: 1 };
    for (error, code) in [
        (Error::Protocol(ProtocolError::NonZeroReservedBits), Some(1002)),
        (Error::Utf8(String::new()), Some(1007)),
        (Error::Capacity(too_long), Some(1009)),
        (Error::Protocol(ProtocolError::ResetWithoutClosingHandshake), None),
        (Error::Io(std::io::ErrorKind::ConnectionReset.into()), None),
        (Error::Io(std::io::ErrorKind::TimedOut.into()), None),
        (Error::Io(PongTimeout.into()), Some(1011)),
    ] {
        assert_eq!(close_code_of(&error).map(|code| code.as_u16()), code, "{error}");
    }
}
