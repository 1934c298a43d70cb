//! Checking of UTF-8 that arrives in pieces (RFC 6455 §8.1).

use std::{mem, str};

use tungstenite::Error;

/// The length of the longest character in bytes.
const MAX_CHAR: usize = 4;

/// The error for bytes that are not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BadUtf8 {
    /// The position in the payload at which the invalid character begins.
    pub(super) at: usize,
}

impl From<BadUtf8> for Error {
    fn from(BadUtf8 { at }: BadUtf8) -> Self {
        Self::Utf8(format!("bad or incomplete character at byte {at}"))
    }
}

/// Returns `bytes` as text, or the position of the first invalid or incomplete character.
pub(super) fn check(bytes: &[u8]) -> Result<&str, usize> {
    // simdutf8's basic flavor does not return the position.
    simdutf8::basic::from_utf8(bytes).or_else(|_| str::from_utf8(bytes).map_err(|error| error.valid_up_to()))
}

/// A text whose pieces are checked as they arrive.
#[derive(Debug, Default)]
pub(super) struct Text {
    text: String,
    /// The number of bytes of the message that were taken before.
    taken: usize,
    /// The beginning of an incomplete character.
    cut: [u8; MAX_CHAR],
    cut_len: u8,
}

impl Text {
    /// Returns the number of bytes that have arrived and were not taken.
    pub(super) fn len(&self) -> usize {
        self.text.len() + usize::from(self.cut_len)
    }

    pub(super) fn capacity(&self) -> usize {
        self.text.capacity()
    }

    /// Increases the capacity to exactly `capacity` bytes.
    pub(super) fn grow_to(&mut self, capacity: usize) {
        self.text.reserve_exact(capacity.saturating_sub(self.text.len()));
    }

    /// Appends a piece. Returns an error if it contains a byte that cannot follow the bytes before
    /// it.
    pub(super) fn push(&mut self, mut piece: &[u8]) -> Result<(), BadUtf8> {
        while self.cut_len > 0 {
            let Some((&byte, rest)) = piece.split_first() else { return Ok(()) };
            piece = rest;
            self.complete(byte)?;
        }
        let (whole, cut) = piece.split_at(piece.len() - cut_len(piece));
        self.text.push_str(check(whole).map_err(|at| BadUtf8 { at: self.taken + self.text.len() + at })?);
        for &byte in cut {
            self.complete(byte)?;
        }
        Ok(())
    }

    /// Appends one byte to an incomplete character.
    fn complete(&mut self, byte: u8) -> Result<(), BadUtf8> {
        let len = usize::from(self.cut_len) + 1;
        self.cut[len - 1] = byte;
        self.cut_len = len as u8;
        match str::from_utf8(&self.cut[..len]) {
            Ok(character) => {
                self.text.push_str(character);
                self.cut_len = 0;
                Ok(())
            }
            Err(error) if error.error_len().is_none() => Ok(()),
            Err(_) => Err(BadUtf8 { at: self.taken + self.text.len() }),
        }
    }

    /// Takes the complete characters.
    pub(super) fn take(&mut self) -> String {
        self.taken += self.text.len();
        mem::take(&mut self.text)
    }

    /// Returns the text, or an error if its last character is incomplete.
    pub(super) fn finish(self) -> Result<String, BadUtf8> {
        if self.cut_len > 0 { Err(BadUtf8 { at: self.taken + self.text.len() }) } else { Ok(self.text) }
    }
}

/// Returns how many bytes at the end of `piece` may be the beginning of a character that continues
/// in the next piece.
fn cut_len(piece: &[u8]) -> usize {
    for (behind, &byte) in piece.iter().rev().take(MAX_CHAR - 1).enumerate() {
        let needed = match byte {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xff => 4,
            // A continuation byte: the character begins before it.
            0x80..=0xbf => continue,
            0x00..=0x7f => 1,
        };
        return if needed > behind + 1 { behind + 1 } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
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
}
