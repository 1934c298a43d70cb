//! One message for many sockets.

use tungstenite::Message;

use super::connection::Compressed;
use crate::deflate::Standalone;

/// One message for many sockets. It is compressed once for all sockets that compress it to the same
/// bytes.
///
/// It is framed separately for each socket: adding a header to a copy takes at most a nanosecond of
/// the several hundred nanoseconds that each socket takes.
#[derive(Debug)]
pub(crate) struct Broadcast {
    message: Message,
    /// The results of compressing the message; `None` if it did not become smaller. There are
    /// several entries only if the sockets have different settings or window sizes.
    compressed: Vec<(Standalone, Option<Compressed>)>,
}

impl Broadcast {
    pub(crate) fn new(message: Message) -> Self {
        Self { message, compressed: Vec::new() }
    }

    pub(crate) fn message(&self) -> &Message {
        &self.message
    }

    pub(crate) fn into_message(self) -> Message {
        self.message
    }

    /// Returns the result of compressing the message with `standalone`, or `None` if that was not
    /// done yet. [`compress`](Self::compress) does it, and must not be called under a lock.
    pub(super) fn compressed(&self, standalone: Standalone) -> Option<&Option<Compressed>> {
        self.compressed.iter().find(|(known, _)| *known == standalone).map(|(_, compressed)| compressed)
    }

    pub(super) fn compress(&mut self, standalone: Standalone) {
        let compressed = standalone.compress(&self.message);
        let compressed = compressed.map(|(opcode, payload)| Compressed { opcode, payload });
        self.compressed.push((standalone, compressed));
    }
}
