//! Receiving messages, and closing.

use std::task::{Poll, ready};

use tokio::time::Instant;
use tungstenite::{Error, Message};

use super::{
    deferred::Deferred,
    lifecycle::{Input, State},
    state::{Connection, close_timed_out},
    users::Reading,
};
use crate::close::{CloseCode, CloseReason};

impl<IO> Connection<IO> {
    /// Returns the next message. At the end, returns an error once, and then `None`.
    pub(in crate::websocket) fn poll_recv(
        &mut self,
        deferred: &mut Deferred,
    ) -> Poll<Option<Result<Message, Error>>> {
        loop {
            match ready!(self.poll_received(deferred)) {
                Some(Ok(Message::Frame(piece))) => {
                    if let Some(message) = self.gather(&piece, deferred) {
                        return Poll::Ready(Some(Ok(message)));
                    }
                }
                Some(Ok(message)) if self.terms.is_in_pieces => {
                    if let Some(message) = self.take_whole(message, deferred) {
                        return Poll::Ready(Some(Ok(message)));
                    }
                }
                received => return Poll::Ready(received),
            }
        }
    }

    /// Returns the next message, or the next piece of a message if messages are received in pieces.
    pub(in crate::websocket) fn poll_received(
        &mut self,
        deferred: &mut Deferred,
    ) -> Poll<Option<Result<Message, Error>>> {
        loop {
            if self.turn.budget.is_spent() {
                return Poll::Pending;
            }
            let was_full = !self.inbox.has_space();
            let message = match self.inbox.pop() {
                Some(message) => {
                    if was_full && self.inbox.has_space() {
                        // The driver receives ahead again, and checks whether the peer is alive.
                        self.waiters.wake_driver(deferred);
                    }
                    self.turn.budget.count(message.len());
                    Some(message)
                }
                None => match self.step(deferred) {
                    Some(message) => message,
                    None if matches!(self.lifecycle.state(), State::Lingering | State::Closed) => {
                        return Poll::Ready(self.inbox.take_error().map(Err));
                    }
                    None => {
                        self.users.reading = Reading::Asked;
                        return Poll::Pending;
                    }
                },
            };
            if let Some(message) = message.filter(|message| !self.inbox.skip(message)) {
                self.turn.budget.count_message(message.len());
                self.users.reading = Reading::Answering;
                self.deadlines.message_taken(Instant::now);
                return Poll::Ready(Some(Ok(message)));
            }
        }
    }

    /// Returns the next message or piece for a byte stream: first the beginning of a message whose
    /// receiver was dropped.
    pub(in crate::websocket) fn poll_bytes(
        &mut self,
        deferred: &mut Deferred,
    ) -> Poll<Option<Result<Message, Error>>> {
        match self.inbox.take_gathered() {
            Some(piece) => Poll::Ready(Some(Ok(Message::Frame(piece)))),
            None => self.poll_received(deferred),
        }
    }

    /// Begins the closing handshake, unless it has begun. `None` sends a Close without a code.
    pub(in crate::websocket) fn begin_close(
        &mut self,
        code: Option<CloseCode>,
        reason: CloseReason,
        deferred: &mut Deferred,
    ) {
        if self.lifecycle.is_open() {
            self.handle(Input::LocalClose(code.map(|code| code.frame(reason))), deferred);
        }
    }

    /// Discards further messages until the connection is over.
    pub(in crate::websocket) fn poll_close(&mut self, deferred: &mut Deferred) -> Poll<Result<(), Error>> {
        self.users.is_discarding = true;
        self.discard(deferred);
        while !self.turn.budget.is_spent() && self.step(deferred).is_some() {}
        match self.is_over() {
            true if self.lifecycle.is_cut() => Poll::Ready(Err(close_timed_out().into())),
            true => Poll::Ready(self.written()),
            false => Poll::Pending,
        }
    }

    /// Ready when this side's Close is written.
    pub(in crate::websocket) fn poll_close_written(
        &mut self,
        deferred: &mut Deferred,
    ) -> Poll<Result<(), Error>> {
        self.begin_close(Some(CloseCode::NORMAL), CloseReason::default(), deferred);
        match self.outbox.has_output() && !self.is_over() {
            true => Poll::Pending,
            false => Poll::Ready(self.written()),
        }
    }

    /// Notes that the application no longer waits for the end, and may receive again.
    pub(in crate::websocket) fn leave_close(&mut self) {
        self.users.is_discarding = false;
    }

    /// Handles the drop of the reader. `code` is sent to the peer.
    pub(in crate::websocket) fn on_reader_dropped(&mut self, code: CloseCode, deferred: &mut Deferred) {
        self.users.has_reader = false;
        self.waiters.remove_reader(deferred);
        self.close_on_drop(code, deferred);
        self.waiters.wake_driver(deferred);
    }

    /// Begins the closing handshake, unless it has begun, because the application dropped its last
    /// sender or its receiver.
    pub(super) fn close_on_drop(&mut self, code: CloseCode, deferred: &mut Deferred) {
        if self.lifecycle.is_open() {
            self.users.is_closed_by_drop = true;
            self.begin_close(Some(code), CloseReason::default(), deferred);
        }
    }
}
