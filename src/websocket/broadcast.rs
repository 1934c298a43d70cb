//! One message for many sockets.

use tungstenite::Message;

use super::connection::Compressed;
use crate::deflate::Standalone;

/// One message for many sockets. It is compressed once for all those that compress it to the same
/// bytes.
///
/// It is not framed once: a header before a copy takes a nanosecond at most, of several hundred for
/// each socket.
#[derive(Debug)]
pub(crate) struct Broadcast {
    message: Message,
    /// What it was compressed to, or that it did not become smaller. There is more than one entry
    /// only where sockets of several settings or windows meet.
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

    /// Returns what the message was compressed to, or `None` if it was not compressed so before.
    /// Then [`compress`](Self::compress) does it, which is not for under a lock.
    pub(super) fn compressed(&self, standalone: Standalone) -> Option<&Option<Compressed>> {
        self.compressed.iter().find(|(known, _)| *known == standalone).map(|(_, compressed)| compressed)
    }

    pub(super) fn compress(&mut self, standalone: Standalone) {
        let compressed = standalone.compress(&self.message);
        let compressed = compressed.map(|(opcode, payload)| Compressed { opcode, payload });
        self.compressed.push((standalone, compressed));
    }
}
