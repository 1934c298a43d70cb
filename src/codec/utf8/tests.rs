use proptest::{collection::vec, prelude::*, sample::Index};

use super::{BadUtf8, Text};
use crate::header::arbitrary::config;

/// Checks a text that arrives in `pieces`.
fn read(pieces: &[&[u8]]) -> Result<String, BadUtf8> {
    let mut text = Text::default();
    let mut len = 0;
    for piece in pieces {
        text.push(piece)?;
        len += piece.len();
        assert_eq!(text.len(), len);
    }
    text.finish()
}

/// Returns the result of the standard library, which is the reference.
fn expected(bytes: &[u8]) -> Result<String, BadUtf8> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => Err(BadUtf8 { at: error.valid_up_to() }),
    }
}

#[test]
fn text_fails_at_its_first_invalid_byte() {
    // All bytes except the last are valid so far.
    for bytes in [
        &b"\xff"[..],
        b"\x80",
        b"\xc0",
        b"\xc1",
        b"\xf5",
        b"a\xc3\x28",
        b"\xe0\x9f",
        b"\xed\xa0",
        b"\xf0\x8f",
        b"\xf4\x90",
        b"\xe2\x82\x28",
        b"\xf0\x9f\x98\x28",
        "κόσμε\u{fffd}\u{10ffff}\u{1}\u{d7ff}".as_bytes().split_last().unwrap().1,
    ] {
        let (&last, before) = bytes.split_last().unwrap();
        let mut text = Text::default();
        text.push(before).unwrap();
        if text.push(&[last]).is_ok() {
            assert_eq!(text.finish(), expected(bytes));
        }
        let mut whole = Text::default();
        assert_eq!(whole.push(bytes).and_then(|()| whole.finish()), expected(bytes));
    }
}

#[test]
fn invalid_byte_is_reported_at_once() {
    for bytes in
        [&b"\xff"[..], b"\x80", b"\xc0", b"\xed\xa0", b"\xf4\x90", b"\xf0\x80", b"\xe0\x80", b"\xc3\xc3"]
    {
        for start in ["", "text", "é"] {
            let bytes = [start.as_bytes(), bytes].concat();
            assert_eq!(Text::default().push(&bytes), Err(BadUtf8 { at: start.len() }), "{bytes:x?}");
        }
    }
}

/// Text that contains some bytes that are not UTF-8.
fn nearly_text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => "\\PC{0,40}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..3),
        1 => vec(0x80..=0xff_u8, 0..4),
    ];
    vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_cuts_give_the_standard_librarys_result(bytes in nearly_text(), cuts in vec(any::<Index>(), 0..8)) {
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<_> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
        prop_assert_eq!(read(&pieces), expected(&bytes));
    }

    #[test]
    fn single_bytes_fail_at_the_first_invalid_byte(bytes in nearly_text()) {
        let mut text = Text::default();
        let fails_at = bytes.iter().position(|byte| text.push(&[*byte]).is_err());
        let expected = (0..bytes.len()).find(|end| {
            std::str::from_utf8(&bytes[..=*end]).is_err_and(|error| error.error_len().is_some())
        });
        prop_assert_eq!(fails_at, expected);
        // The same in one piece.
        prop_assert_eq!(Text::default().push(&bytes).is_err(), expected.is_some());
    }
}
