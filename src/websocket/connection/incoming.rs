//! From what was read to messages that the application is to see.

use tokio::time::Instant;
use tungstenite::{
    Error, Message,
    error::{CapacityError, ProtocolError},
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use super::{deferred::Deferred, lifecycle::Input, state::Connection, users::Reading};
use crate::{
    close::{CloseCode, close_code_of},
    codec::Decoded,
};

impl<IO> Connection<IO> {
    /// Takes one step through what was read, if there is anything; `None` where there is not.
    /// Returns the message that the application is to see, if that was one.
    pub(super) fn step(&mut self, deferred: &mut Deferred) -> Option<Option<Message>> {
        if !self.lifecycle.is_reading() {
            return None;
        }
        if self.terms.is_compressed {
            self.users.count_inflating();
        }
        let link = self.port.link.as_mut()?;
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
            // Most are no more than that.
            Ok(Decoded::Message(message @ (Message::Text(_) | Message::Binary(_)))) => {
                let taken = before - link.unread();
                self.users.count(taken.max(message.len().saturating_sub(assembled)));
                Some(self.accept_data(message))
            }
            decoded => {
                let taken = before - link.unread();
                let message = match &decoded {
                    Ok(Decoded::Message(message)) => message.len(),
                    _ => link.assembled(),
                };
                // Inflating few bytes may be much work.
                self.users.count(taken.max(message.saturating_sub(assembled)));
                Some(self.accept(decoded, deferred))
            }
        }
    }

    fn accept_data(&mut self, message: Message) -> Option<Message> {
        self.terms.meter.received(message.len());
        (!self.users.discards()).then_some(message)
    }

    /// Takes what was decoded, and returns the message that the application is to see.
    pub(super) fn accept(
        &mut self,
        decoded: Result<Decoded, Error>,
        deferred: &mut Deferred,
    ) -> Option<Message> {
        let message = match decoded {
            Ok(Decoded::Message(message)) => message,
            Ok(Decoded::Progress | Decoded::Starved) => return None,
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
            Message::Ping(payload) if self.lifecycle.is_open() => self.outbox.push_pong(payload.clone()),
            Message::Pong(payload) if self.outbox.is_own_pong(payload) => {
                self.deadlines.answered();
                return None;
            }
            Message::Close(frame) => self.handle(Input::PeerClose(frame.clone()), deferred),
            _ => {}
        }
        (!self.users.discards()).then_some(message)
    }

    /// Keeps no read buffer for little that was not decoded, as other connections of the thread
    /// read next.
    pub(super) fn settle_unread(&mut self) {
        if let Some(link) = &mut self.port.link {
            link.settle_unread();
        }
    }

    /// Puts a piece of a message to those before it, and returns the message once it is whole.
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

    /// Returns a message that has arrived at once, unless it is larger than one may be that is
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

    /// The peer broke a rule.
    fn refuse(&mut self, error: Error, deferred: &mut Deferred) {
        let code = close_code_of(&error).unwrap_or(CloseCode::PROTOCOL_ERROR);
        self.set_error(error);
        self.handle(Input::ReadFailed(code), deferred);
    }

    fn end_of_stream(&mut self, deferred: &mut Deferred) {
        match self.port.link.as_mut().and_then(|link| link.take_read_error()) {
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

    /// Receives what was read before the application asks for it, so that pings and a Close are
    /// answered.
    pub(super) fn receive_ahead(&mut self, deferred: &mut Deferred) {
        if self.users.discards() {
            self.discard(deferred);
        }
        let is_quiet = self.inbox.is_empty();
        while self.inbox.has_room() && !self.users.is_tired() && !self.is_close_early() {
            let Some(message) = self.step(deferred) else { break };
            if let Some(message) = message {
                self.inbox.push(message);
            }
        }
        if is_quiet && !self.inbox.is_empty() {
            self.waiters.wake_reader(deferred);
        }
    }

    /// Returns whether the peer's Close comes next, and is left there for a moment, as the
    /// application has yet to answer what stands before it: once the Close is received, nothing can
    /// be sent.
    fn is_close_early(&mut self) -> bool {
        let is_answering = match self.users.reading {
            Reading::NotBegun => false,
            Reading::Asked => !self.inbox.is_empty(),
            Reading::Answering => true,
        };
        let is_at_close = self.port.link.as_ref().is_some_and(|link| link.is_at_close());
        if !(is_at_close && is_answering && self.lifecycle.is_open()) || self.users.discards() {
            return false;
        }
        self.users.has_new_deadline = true;
        self.deadlines.holds_close(Instant::now())
    }

    /// Throws away what was received and nobody wants.
    pub(super) fn discard(&mut self, deferred: &mut Deferred) {
        if !self.inbox.is_empty() {
            deferred.drop(self.inbox.clear());
        }
    }
}
