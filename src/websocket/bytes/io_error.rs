//! Errors of a socket, as those of a stream of bytes.

use std::io;

use tungstenite::{Error, error::ProtocolError};

/// Returns the error as one of a stream of bytes, with the kind that callers of such a stream look
/// for.
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
    fn each_error_has_the_kind_that_a_stream_of_bytes_has_for_it() {
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
