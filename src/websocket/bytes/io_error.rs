//! Conversion of a socket's errors to `io::Error`.

use std::io;

use tungstenite::{Error, error::ProtocolError};

/// Converts the error to an `io::Error` of the kind that callers of a byte stream expect.
pub(super) fn into_io_error(error: Error) -> io::Error {
    let kind = match &error {
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => io::ErrorKind::UnexpectedEof,
        Error::Protocol(ProtocolError::SendAfterClosing) | Error::AlreadyClosed | Error::ConnectionClosed => {
            io::ErrorKind::BrokenPipe
        }
        _ => io::ErrorKind::InvalidData,
    };
    match error {
        Error::Io(error) => error,
        error => io::Error::new(kind, error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tungstenite::{Error, error::ProtocolError};

    use super::into_io_error;

    #[test]
    fn each_error_has_the_kind_that_callers_of_a_byte_stream_expect() {
        for (error, kind) in [
            (Error::Protocol(ProtocolError::ResetWithoutClosingHandshake), ErrorKind::UnexpectedEof),
            (Error::Protocol(ProtocolError::SendAfterClosing), ErrorKind::BrokenPipe),
            (Error::AlreadyClosed, ErrorKind::BrokenPipe),
            (Error::Protocol(ProtocolError::UnmaskedFrameFromClient), ErrorKind::InvalidData),
            (Error::Utf8(String::new()), ErrorKind::InvalidData),
            (Error::Io(ErrorKind::TimedOut.into()), ErrorKind::TimedOut),
        ] {
            let text = error.to_string();
            let error = into_io_error(error);
            assert_eq!(error.kind(), kind);
            assert!(text.contains(&error.to_string()), "{text}");
        }
    }
}
