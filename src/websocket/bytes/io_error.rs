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
mod tests;
