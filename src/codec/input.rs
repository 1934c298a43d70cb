//! Input bytes that are being decoded.

use std::mem;

/// Takes the first `len` bytes of `input`.
pub(super) fn take<'a>(input: &mut &'a mut [u8], len: usize) -> &'a mut [u8] {
    let (taken, rest) = mem::take(input).split_at_mut(len);
    *input = rest;
    taken
}
