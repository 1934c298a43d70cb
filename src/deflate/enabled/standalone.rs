//! Compressing a message once for many connections.

use bytes::Bytes;
use tungstenite::{Message, protocol::frame::coding::Data};

use super::{compress::compress_alone, payload::payload_of, pool::Key};

/// How a connection compresses each message by itself (RFC 7692 §7.1.1.1): those with equal values
/// send the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standalone {
    pub(super) key: Key,
    /// The size in bytes below which a message stays as it is.
    pub(super) threshold: usize,
}

impl Standalone {
    /// Whether [`compress`](Self::compress) may make a message smaller.
    pub(crate) fn applies(&self, message: &Message) -> bool {
        payload_of(message).is_some_and(|(_, payload)| payload.len() >= self.threshold)
    }

    /// Compresses a message; `None` when it goes out as it is.
    pub(crate) fn compress(&self, message: &Message) -> Option<(Data, Bytes)> {
        let (opcode, payload) = payload_of(message)?;
        Some((opcode, compress_alone(self.key, payload)?.into()))
    }
}
