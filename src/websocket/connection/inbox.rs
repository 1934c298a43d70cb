//! Messages that the application has not taken yet.

use std::collections::VecDeque;

use tungstenite::{Error, Message, protocol::frame::Frame};

use super::gathered::Gathered;

/// The limit for messages that the application has not asked for, in bytes. Each message counts
/// [`OVERHEAD`] bytes more than its payload.
const LIMIT: usize = 64 * 1024;

/// The cost of a message in addition to its payload.
const OVERHEAD: usize = 64;

/// Messages that the application has not taken yet, and the error that follows them.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    messages: VecDeque<Message>,
    bytes: usize,
    /// The beginning of a message that the application receives whole.
    gathered: Option<Box<Gathered>>,
    /// Whether the rest of the current message is skipped.
    is_skipping: bool,
    error: Option<Box<Error>>,
}

impl Inbox {
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Returns `true` if there is space for another message.
    pub(super) fn has_room(&self) -> bool {
        self.bytes < LIMIT
    }

    pub(super) fn push(&mut self, message: Message) {
        self.bytes += message.len() + OVERHEAD;
        self.messages.push_back(message);
    }

    pub(super) fn pop(&mut self) -> Option<Message> {
        let message = self.messages.pop_front()?;
        self.bytes -= message.len() + OVERHEAD;
        if self.messages.is_empty() {
            self.messages = VecDeque::new();
        }
        Some(message)
    }

    /// Returns `true` unless the next message or piece belongs to a message that is skipped.
    pub(super) fn is_wanted(&mut self, message: &Message) -> bool {
        let Message::Frame(piece) = message else { return true };
        let is_wanted = !self.is_skipping;
        self.is_skipping &= !piece.header().is_final;
        is_wanted
    }

    /// Skips the rest of the message whose pieces are arriving.
    pub(super) fn skip_message(&mut self) {
        self.is_skipping = true;
    }

    /// Appends a piece to the message that the application receives whole. Returns the message once
    /// it is complete.
    pub(super) fn gather(
        &mut self,
        piece: &Frame,
        max_message_size: usize,
    ) -> Result<Option<Message>, Error> {
        Gathered::push(&mut self.gathered, piece, max_message_size)
    }

    /// Returns the beginning of the message as its first piece.
    pub(super) fn take_gathered(&mut self) -> Option<Frame> {
        self.gathered.take().map(|gathered| gathered.into_piece())
    }

    pub(super) fn set_error(&mut self, error: Error) {
        self.error = Some(Box::new(error));
    }

    pub(super) fn take_error(&mut self) -> Option<Error> {
        self.error.take().map(|error| *error)
    }

    /// Removes and returns all messages.
    pub(super) fn clear(&mut self) -> VecDeque<Message> {
        self.bytes = 0;
        std::mem::take(&mut self.messages)
    }
}

#[cfg(test)]
mod tests;
