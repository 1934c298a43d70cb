//! Compressed payloads (RFC 7692, section 7.2).

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// A message compressed by itself, which is good in either setting.
pub(crate) fn compress(message: &[u8]) -> Vec<u8> {
    let mut compressed = Vec::with_capacity(2 * message.len() + 64);
    Compress::new(Compression::new(6), false)
        .compress_vec(message, &mut compressed, FlushCompress::Sync)
        .expect("there is room for it");
    compressed.strip_suffix(&TAIL).expect("a flush ends so").to_vec()
}

/// What a first message on a connection was before it was compressed, if it was no longer than `size`.
pub(crate) fn inflate(mut compressed: Vec<u8>, size: usize) -> Option<Vec<u8>> {
    compressed.extend_from_slice(&TAIL);
    let mut message = Vec::with_capacity(size + 64);
    Decompress::new(false).decompress_vec(&compressed, &mut message, FlushDecompress::Sync).ok()?;
    Some(message)
}
