//! Compression of a message for several connections at once.

use bytes::Bytes;
use tungstenite::{Message, protocol::frame::coding::Data};

use super::{compress::compress_alone, payload::payload_of, pool::PoolKey};

/// How a connection compresses each message by itself (RFC 7692 §7.1.1.1). Connections with equal
/// values send the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standalone {
    pub(super) key: PoolKey,
    /// The size in bytes below which messages are not compressed.
    pub(super) threshold: usize,
}

impl Standalone {
    /// Returns `true` if [`compress`](Self::compress) may make the message smaller.
    pub(crate) fn applies(&self, message: &Message) -> bool {
        payload_of(message).is_some_and(|(_, payload)| payload.len() >= self.threshold)
    }

    /// Compresses a message. Returns `None` if it has to be sent uncompressed.
    pub(crate) fn compress(&self, message: &Message) -> Option<(Data, Bytes)> {
        let (opcode, payload) = payload_of(message)?;
        Some((opcode, compress_alone(self.key, payload)?.into()))
    }
}
