//! Taking the IO out of a connection.

use std::task::Poll;

use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::{
    Message,
    protocol::{Role, frame::Frame},
};

use super::{deferred::Deferred, link::Link, state::Connection};

/// The reason why the IO cannot be taken out of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::websocket) enum Attached {
    /// The connection is closing or closed.
    Closing,
    /// Compression was negotiated.
    Compressed,
    /// Part of a message has arrived.
    InsideMessage,
}

impl<IO> Connection<IO> {
    /// Takes the link out once everything that was sent is written. The connection does nothing
    /// after that.
    pub(super) fn poll_detach(&mut self, deferred: &mut Deferred) -> Poll<Result<Box<Link<IO>>, Attached>> {
        if !self.lifecycle.is_open() {
            return Poll::Ready(Err(Attached::Closing));
        }
        if self.terms.is_compressed {
            return Poll::Ready(Err(Attached::Compressed));
        }
        let Some(link) = &self.port.link else {
            self.port.is_wanted = true;
            return Poll::Pending;
        };
        if self.outbox.has_output() {
            return Poll::Pending;
        }
        if !link.is_at_rest() {
            return Poll::Ready(Err(Attached::InsideMessage));
        }
        self.users.is_detached = true;
        self.tell_end(None, deferred);
        Poll::Ready(self.port.link.take().ok_or(Attached::Closing))
    }

    /// Returns the messages that the application has not taken yet, as frames. These may differ
    /// from the frames in which the messages arrived.
    pub(super) fn take_received(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let gathered = self.inbox.take_gathered().map(Message::Frame);
        for message in gathered.into_iter().chain(self.inbox.clear()) {
            if !self.inbox.is_wanted(&message) {
                continue;
            }
            let mut frame = match message {
                Message::Text(text) => Frame::message(text, OpCode::Data(Data::Text), true),
                Message::Binary(payload) => Frame::message(payload, OpCode::Data(Data::Binary), true),
                Message::Pong(payload) => Frame::pong(payload),
                Message::Frame(piece) => piece,
                // Pings were already answered, and a Close would have ended the connection.
                Message::Ping(_) | Message::Close(_) => continue,
            };
            frame.header_mut().mask = (self.terms.role == Role::Server).then_some([0; 4]);
            // Writing to a vector does not fail.
            let _ = frame.format(&mut bytes);
        }
        bytes
    }
}
