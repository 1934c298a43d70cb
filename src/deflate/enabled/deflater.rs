//! Compression of the messages of one connection, if it was negotiated.

use std::io;

use bytes::Bytes;
use tungstenite::{Message, protocol::frame::coding::Data};

use super::{Standalone, compress::Compressor, payload::payload_of};

/// Compresses messages if compression was negotiated (RFC 7692 §7.2.1).
#[derive(Debug)]
pub(crate) struct Deflater(Option<Box<ActiveDeflater>>);

#[derive(Debug)]
struct ActiveDeflater {
    compressor: Compressor,
    threshold: usize,
}

impl Deflater {
    /// `compressor` contains the size in bytes below which messages are not compressed.
    pub(super) fn new(compressor: Option<(Compressor, usize)>) -> Self {
        Self(compressor.map(|(compressor, threshold)| Box::new(ActiveDeflater { compressor, threshold })))
    }

    /// Returns how each message is compressed by itself, or `None` if they are not.
    pub(crate) fn standalone(&self) -> Option<Standalone> {
        let ActiveDeflater { compressor, threshold } = &**self.0.as_ref()?;
        Some(Standalone { key: compressor.standalone()?, threshold: *threshold })
    }

    /// Returns `true` if [`compress`](Self::compress) may make the message smaller.
    pub(crate) fn applies(&self, message: &Message) -> bool {
        let Some(state) = &self.0 else { return false };
        payload_of(message).is_some_and(|(_, payload)| payload.len() >= state.threshold)
    }

    /// Compresses a message. Returns `None` if it has to be sent uncompressed.
    ///
    /// Messages must be sent in the order in which this method is called.
    pub(crate) fn compress(&mut self, message: &Message) -> Option<(Data, Bytes)> {
        let state = self.0.as_mut()?;
        let (opcode, payload) =
            payload_of(message).filter(|(_, payload)| payload.len() >= state.threshold)?;
        Some((opcode, state.compressor.compress(payload)?.into()))
    }

    /// Begins a message that is compressed in pieces.
    pub(crate) fn begin_pieces(&mut self) {
        if let Some(state) = &mut self.0 {
            state.compressor.begin_pieces();
        }
    }

    /// Compresses a piece of the message, and flushes up to a byte boundary.
    pub(crate) fn compress_piece(&mut self, piece: &[u8]) -> io::Result<Bytes> {
        let compressed = self.0.as_mut().and_then(|state| state.compressor.piece(piece));
        compressed.map(Bytes::from).ok_or_else(|| io::Error::other("a message could not be compressed"))
    }

    /// Ends the message, and returns its last bytes.
    pub(crate) fn end_pieces(&mut self) -> &'static [u8] {
        if let Some(state) = &mut self.0 {
            state.compressor.end_pieces();
        }
        &LAST
    }

    /// Forgets all messages: the next message does not refer to earlier ones.
    pub(crate) fn forget(&mut self) {
        if let Some(state) = &mut self.0 {
            state.compressor.forget();
        }
    }
}

/// The last byte of a message whose pieces were flushed. Together with the
/// [`TAIL`](super::pool::TAIL), which the peer appends, it is an empty block (RFC 7692 §7.2.3.6).
const LAST: [u8; 1] = [0];

#[cfg(test)]
mod tests;
