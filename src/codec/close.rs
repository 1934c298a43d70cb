//! The payload of Close frames (RFC 6455 §5.5.1 and §7.4).

use tungstenite::{Error, error::ProtocolError, protocol::CloseFrame};

use super::utf8::{self, BadUtf8};
use crate::close::is_valid_close_code;

/// Parses the payload of a Close frame.
pub(super) fn parse(payload: &[u8]) -> Result<Option<CloseFrame>, Error> {
    let (code, reason) = match payload {
        [] => return Ok(None),
        [high, low, reason @ ..] => (u16::from_be_bytes([*high, *low]), reason),
        [_] => return Err(ProtocolError::InvalidCloseSequence.into()),
    };
    if !is_valid_close_code(code) {
        return Err(ProtocolError::InvalidCloseSequence.into());
    }
    let reason = utf8::check(reason).map_err(|at| BadUtf8 { at: at + 2 })?;
    Ok(Some(CloseFrame { code: code.into(), reason: reason.into() }))
}

/// Appends the payload of a Close frame. A reason that is too long is truncated at a character
/// boundary.
pub(super) fn write(output: &mut Vec<u8>, frame: Option<&CloseFrame>) {
    let Some(frame) = frame else { return };
    output.extend_from_slice(&u16::from(frame.code).to_be_bytes());
    output.extend_from_slice(reason(frame).as_bytes());
}

/// Returns the number of bytes that [`write()`] appends.
pub(super) fn len(frame: Option<&CloseFrame>) -> usize {
    frame.map_or(0, |frame| 2 + reason(frame).len())
}

/// Returns the part of the reason that fits into a control frame.
fn reason(frame: &CloseFrame) -> &str {
    let mut end = frame.reason.len().min(super::header::MAX_CONTROL - 2);
    while !frame.reason.is_char_boundary(end) {
        end -= 1;
    }
    &frame.reason[..end]
}

#[cfg(test)]
mod tests {
    use tungstenite::{Error, error::ProtocolError, protocol::CloseFrame};

    use super::{len, parse, write};
    use crate::close::is_valid_close_code;

    #[test]
    fn close_codes_are_those_of_section_7_4() {
        // Miri is slow.
        for code in if cfg!(miri) { 990..=1020 } else { 0..=u16::MAX } {
            let expected = match code {
                1004..=1006 | 1015 => false,
                1000..=1014 | 3000..=4999 => true,
                _ => false,
            };
            assert_eq!(is_valid_close_code(code), expected, "{code}");
            let parsed = parse(&code.to_be_bytes());
            match parsed {
                Ok(Some(frame)) => {
                    assert!(expected && u16::from(frame.code) == code && frame.reason.is_empty())
                }
                Err(Error::Protocol(ProtocolError::InvalidCloseSequence)) => assert!(!expected, "{code}"),
                parsed => panic!("{code}: {parsed:?}"),
            }
        }
    }

    #[test]
    fn payloads_are_parsed_or_rejected() {
        assert!(matches!(parse(b""), Ok(None)));
        assert!(matches!(parse(b"\x03"), Err(Error::Protocol(ProtocolError::InvalidCloseSequence))));
        assert!(matches!(parse(b"\x03\xe8\xc3"), Err(Error::Utf8(_))));
        // An invalid code is reported before an invalid reason.
        assert!(matches!(parse(b"\x03\xed\xff"), Err(Error::Protocol(_))));
        let frame = parse(b"\x03\xe8bye").unwrap().unwrap();
        assert_eq!((u16::from(frame.code), frame.reason.as_str()), (1000, "bye"));
    }

    #[test]
    fn written_payload_is_parsed_again_and_fits() {
        for (reason, kept) in [("", 0), ("bye", 3), (&"x".repeat(124), 123), (&"é".repeat(62), 122)] {
            let frame = CloseFrame { code: 4000.into(), reason: reason.into() };
            let mut payload = Vec::new();
            write(&mut payload, Some(&frame));
            assert_eq!(payload.len(), len(Some(&frame)));
            let expected = CloseFrame { code: 4000.into(), reason: reason[..kept].into() };
            assert_eq!(parse(&payload).unwrap(), Some(expected));
        }
        let mut payload = Vec::new();
        write(&mut payload, None);
        assert_eq!((payload.len(), len(None)), (0, 0));
    }
}
