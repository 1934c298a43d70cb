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
mod tests;
