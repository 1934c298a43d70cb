//! Compressed payloads (RFC 7692, section 7.2).

use flate2::{Decompress, FlushDecompress};

const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Returns the content of the first compressed message of a connection, if it has at most `size`
/// bytes.
pub(crate) fn inflate(mut compressed: Vec<u8>, size: usize) -> Option<Vec<u8>> {
    compressed.extend_from_slice(&TAIL);
    let mut message = Vec::with_capacity(size + 64);
    Decompress::new(false).decompress_vec(&compressed, &mut message, FlushDecompress::Sync).ok()?;
    Some(message)
}
