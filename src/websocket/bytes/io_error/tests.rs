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
