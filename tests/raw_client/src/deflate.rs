//! permessage-deflate (RFC 7692) as a client does it, with flate2 alone.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// The offer of a client that uses context takeover if the server agrees.
pub const TAKEOVER: &str = "permessage-deflate";
pub const NO_TAKEOVER: &str = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// Returns the payload of a separately compressed message, at a level from 0 to 9.
pub fn compressed(message: &[u8], level: u32) -> Vec<u8> {
    let mut output = Vec::with_capacity(2 * message.len() + 1000);
    Compress::new(Compression::new(level), false)
        .compress_vec(message, &mut output, FlushCompress::Sync)
        .expect("there is room for it");
    output.strip_suffix(&TAIL).expect("a flush ends so").to_vec()
}

/// The client's compressor.
pub struct Deflater {
    inner: Compress,
    takeover: bool,
}

impl Deflater {
    pub fn new(takeover: bool) -> Self {
        Self { inner: Compress::new(Compression::new(6), false), takeover }
    }

    /// Returns the payload of a compressed message.
    pub fn message(&mut self, message: &[u8]) -> Vec<u8> {
        let mut output = self.deflate(message, FlushCompress::Sync);
        if message.is_empty() {
            // The compressor would flush nothing.
            return vec![0];
        }
        assert_eq!(output.split_off(output.len() - 4), TAIL);
        output
    }

    /// Returns the payload of a compressed message that ends its stream (RFC 7692 §7.2.3.4).
    pub fn last(&mut self, message: &[u8]) -> Vec<u8> {
        let mut output = self.deflate(message, FlushCompress::Finish);
        self.inner.reset();
        output.push(0);
        output
    }

    fn deflate(&mut self, message: &[u8], flush: FlushCompress) -> Vec<u8> {
        if !self.takeover {
            self.inner.reset();
        }
        let mut output = Vec::with_capacity(2 * message.len() + 1000);
        self.inner.compress_vec(message, &mut output, flush).unwrap();
        assert!(output.len() < output.capacity());
        output
    }
}

/// The client's inflater.
pub struct Inflater {
    inner: Decompress,
    takeover: bool,
}

impl Inflater {
    pub fn new(takeover: bool, window_bits: u8) -> Self {
        Self { inner: Decompress::new_with_window_bits(false, window_bits), takeover }
    }

    /// Returns the message with this payload.
    pub fn message(&mut self, payload: &[u8]) -> Vec<u8> {
        if !self.takeover {
            self.inner.reset(false);
        }
        let input = [payload, &TAIL].concat();
        let (mut output, mut consumed) = (Vec::new(), 0);
        loop {
            output.reserve(1 << 16);
            let before = self.inner.total_in();
            let status = self.inner.decompress_vec(&input[consumed..], &mut output, FlushDecompress::Sync);
            assert_ne!(status.unwrap(), Status::StreamEnd);
            consumed += (self.inner.total_in() - before) as usize;
            if output.len() < output.capacity() {
                assert_eq!(consumed, input.len());
                return output;
            }
        }
    }
}
