//! Decoding of received data to messages.

use tokio::time::Instant;
use tungstenite::{
    Error, Message,
    error::{CapacityError, ProtocolError},
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use super::{budget::INFLATED, deferred::Deferred, lifecycle::Input, state::Connection, users::Reading};
use crate::{
    close::{CloseCode, close_code_of},
    codec::Decoded,
};

impl<IO> Connection<IO> {
    /// Decodes one step of the received data. Returns `None` without data, and `Some(None)`
    /// if the step produced no message for the application.
    pub(super) fn step(&mut self, deferred: &mut Deferred) -> Option<Option<Message>> {
        if !self.lifecycle.is_reading() {
            return None;
        }
        let mut weight = 1;
        if self.terms.is_compressed {
            self.turn.budget.count_inflating();
            weight = INFLATED;
        }
        let link = self.slot.link.as_mut()?;
        if self.terms.is_in_pieces {
            link.give_pieces();
        }
        let (before, assembled) = (link.unread(), link.assembled());
        match link.decode() {
            Ok(Decoded::Starved) => {
                if link.has_ended() {
                    self.end_of_stream(deferred);
                }
                None
            }
            // The most frequent case.
            Ok(Decoded::Message(message @ (Message::Text(_) | Message::Binary(_)))) => {
                let taken = before - link.unread();
                let bytes = taken.max(message.len().saturating_sub(assembled));
                self.turn.budget.count(bytes.saturating_mul(weight));
                Some(self.accept_data(message))
            }
            decoded => {
                let taken = before - link.unread();
                let message = match &decoded {
                    Ok(Decoded::Message(message)) => message.len(),
                    _ => link.assembled(),
                };
                // Inflating few bytes may take long.
                let bytes = taken.max(message.saturating_sub(assembled));
                self.turn.budget.count(bytes.saturating_mul(weight));
                Some(self.accept(decoded, deferred))
            }
        }
    }

    fn accept_data(&mut self, message: Message) -> Option<Message> {
        self.terms.meter.received(message.len());
        (!self.users.discards()).then_some(message)
    }

    /// Handles decoded data. Returns the message that the application receives, if any.
    pub(super) fn accept(
        &mut self,
        decoded: Result<Decoded, Error>,
        deferred: &mut Deferred,
    ) -> Option<Message> {
        let message = match decoded {
            Ok(Decoded::Message(message)) => message,
            Ok(Decoded::Progress | Decoded::Starved) => return None,
            Ok(Decoded::Last(_)) => unreachable!("the link takes the message"),
            Err(error) => {
                self.refuse(error, deferred);
                return None;
            }
        };
        match &message {
            Message::Frame(piece) => {
                let begun = usize::from(piece.header().opcode != OpCode::Data(Data::Continue));
                self.terms.meter.received_bytes(begun, piece.payload().len());
            }
            Message::Text(_) | Message::Binary(_) => return self.accept_data(message),
            // Until this side's Close is being written, which may take long behind other data (RFC
            // 6455 §5.5.2).
            Message::Ping(payload) if self.lifecycle.is_open() || self.outbox.has_close() => {
                self.outbox.push_pong(payload.clone());
                // The handler may block its thread after a message that follows.
                self.turn.note_write_due();
            }
            Message::Pong(payload) if self.outbox.is_own_pong(payload) => {
                self.deadlines.answered();
                return None;
            }
            Message::Close(frame) => self.handle(Input::PeerClose(frame.clone()), deferred),
            _ => {}
        }
        if self.users.discards() {
            self.inbox.note_discarded(&message);
            return None;
        }
        Some(message)
    }

    /// Returns `true` if the next frame is a control frame, which the driver does not see until the
    /// handler's turn ends.
    pub(super) fn leaves_control_frame(&self) -> bool {
        self.turn.is_running() && self.slot.link.as_ref().is_some_and(|link| link.is_at_control())
    }

    /// Releases the read buffer if little undecoded data is left, because other connections of the
    /// thread need the buffer next.
    pub(super) fn settle_unread(&mut self) {
        if let Some(link) = &mut self.slot.link {
            link.settle_unread();
        }
    }

    /// Appends a piece to a message. Returns the message once it is complete.
    pub(super) fn gather(&mut self, piece: &Frame, deferred: &mut Deferred) -> Option<Message> {
        match self.inbox.gather(piece, self.terms.config.max_message_size) {
            Ok(message) => message,
            Err(error) => {
                self.refuse(error, deferred);
                self.discard(deferred);
                None
            }
        }
    }

    /// Returns a message that arrived at once, unless it exceeds the limit for messages that are
    /// received whole.
    pub(super) fn take_whole(&mut self, message: Message, deferred: &mut Deferred) -> Option<Message> {
        let (size, max_size) = (message.len(), self.terms.config.max_message_size);
        if size <= max_size || !(message.is_text() || message.is_binary()) {
            return Some(message);
        }
        deferred.drop_message(Some(message));
        self.refuse(CapacityError::MessageTooLong { size, max_size }.into(), deferred);
        self.discard(deferred);
        None
    }

    /// Handles a protocol violation.
    fn refuse(&mut self, error: Error, deferred: &mut Deferred) {
        let code = close_code_of(&error).unwrap_or(CloseCode::PROTOCOL_ERROR);
        self.set_error(error);
        self.handle(Input::ReadFailed(code), deferred);
    }

    fn end_of_stream(&mut self, deferred: &mut Deferred) {
        match self.slot.link.as_mut().and_then(|link| link.take_read_error()) {
            Some((error, text)) => {
                self.lifecycle.note_error(text);
                self.inbox.set_error(error.into());
                self.handle(Input::ReadBroke, deferred);
            }
            None => {
                self.set_error(ProtocolError::ResetWithoutClosingHandshake.into());
                self.handle(Input::EndOfStream, deferred);
            }
        }
    }

    /// Receives messages before the application asks for them, so that pings and a Close are
    /// answered.
    pub(super) fn receive_ahead(&mut self, deferred: &mut Deferred) {
        if self.users.discards() {
            self.discard(deferred);
        }
        let is_quiet = self.inbox.is_empty();
        while self.inbox.has_space() && !self.turn.budget.is_spent() && !self.delay_close() {
            let Some(message) = self.step(deferred) else { break };
            if let Some(message) = message {
                self.inbox.push(message);
            }
        }
        if is_quiet && !self.inbox.is_empty() {
            self.waiters.wake_reader(deferred);
        }
    }

    /// Delays the peer's Close for a moment if it comes next and the application has not answered
    /// earlier messages yet. Once the Close is received, no more messages can be sent. Returns
    /// `true` if it is delayed.
    fn delay_close(&mut self) -> bool {
        let is_answering = match self.users.reading {
            // The thread of the handler may have been suspended before the handler asked.
            Reading::NotBegun if !self.turn.is_first() => false,
            Reading::NotBegun | Reading::Asked => !self.inbox.is_empty(),
            Reading::Answering => true,
        };
        let is_at_close = self.slot.link.as_ref().is_some_and(|link| link.is_at_close());
        if !(is_at_close && is_answering && self.lifecycle.is_open()) || self.users.discards() {
            return false;
        }
        self.deadlines.hold_close(Instant::now())
    }

    /// Discards received messages that no task will take.
    pub(super) fn discard(&mut self, deferred: &mut Deferred) {
        if !self.inbox.is_empty() {
            let messages = self.inbox.clear();
            messages.iter().for_each(|message| self.inbox.note_discarded(message));
            deferred.drop(messages);
        }
    }
}
