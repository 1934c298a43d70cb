use tungstenite::{Error, error::ProtocolError, protocol::CloseFrame};

use super::{MAX_CONTROL, parse, write};
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
        let mut buffer = [0; MAX_CONTROL];
        let payload = write(&mut buffer, Some(&frame));
        assert_eq!(payload.len(), 2 + kept);
        let expected = CloseFrame { code: 4000.into(), reason: reason[..kept].into() };
        assert_eq!(parse(payload).unwrap(), Some(expected));
    }
    assert_eq!(write(&mut [0; MAX_CONTROL], None), b"");
}
