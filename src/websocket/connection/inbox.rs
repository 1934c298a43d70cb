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
    /// Boxed, because an application that keeps up has taken all messages.
    messages: Option<Box<Messages>>,
    /// The beginning of a message that the application receives whole.
    gathered: Option<Box<Gathered>>,
    /// Whether the rest of the current message is skipped.
    is_skipping: bool,
    error: Option<Box<Error>>,
}

#[derive(Debug, Default)]
struct Messages {
    queue: VecDeque<Message>,
    /// The bytes that the messages count.
    bytes: usize,
}

impl Inbox {
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_none()
    }

    /// Returns `true` if there is space for another message.
    pub(super) fn has_space(&self) -> bool {
        self.messages.as_ref().is_none_or(|messages| messages.bytes < LIMIT)
    }

    pub(super) fn push(&mut self, message: Message) {
        let messages = self.messages.get_or_insert_default();
        messages.bytes += message.len() + OVERHEAD;
        messages.queue.push_back(message);
    }

    pub(super) fn pop(&mut self) -> Option<Message> {
        let messages = self.messages.as_mut()?;
        let message = messages.queue.pop_front()?;
        messages.bytes -= message.len() + OVERHEAD;
        self.messages.take_if(|messages| messages.queue.is_empty());
        Some(message)
    }

    /// Skips the next message if it is a piece of a message that is skipped. Returns `true` if so.
    pub(super) fn skip(&mut self, message: &Message) -> bool {
        let Message::Frame(piece) = message else { return false };
        let is_skipped = self.is_skipping;
        self.is_skipping &= !piece.header().is_final;
        is_skipped
    }

    /// Notes that a message is discarded. If it is a piece, the rest of its message is skipped.
    pub(super) fn note_discarded(&mut self, message: &Message) {
        if let Message::Frame(piece) = message {
            self.gathered = None;
            self.is_skipping = !piece.header().is_final;
        }
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
        self.messages.take().map(|messages| messages.queue).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
