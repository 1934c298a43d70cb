//! One message for many sockets.

use std::{cell::OnceCell, sync::Arc};

use tungstenite::Message;

use super::connection::Compressed;
use crate::{codec::shared_frame, deflate::Standalone};

/// One message for many sockets. It is compressed once for all sockets that compress it to the same
/// bytes. It is framed once for all sockets without other output.
#[derive(Debug)]
pub(crate) struct Broadcast {
    message: Message,
    frame: OnceCell<Option<Arc<[u8]>>>,
    /// The results of compressing the message; `None` if it did not become smaller. There are
    /// several entries only if the sockets have different settings or window sizes.
    compressed: Vec<(Standalone, Option<Compressed>)>,
}

impl Broadcast {
    pub(crate) fn new(message: Message) -> Self {
        Self { message, frame: OnceCell::new(), compressed: Vec::new() }
    }

    pub(crate) fn message(&self) -> &Message {
        &self.message
    }

    /// Returns the message as a frame, unless it is large.
    pub(super) fn frame(&self) -> Option<&Arc<[u8]>> {
        self.frame.get_or_init(|| shared_frame(&self.message)).as_ref()
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
