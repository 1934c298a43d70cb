//! Sending messages.

use std::{
    io::IoSlice,
    sync::Arc,
    task::{Poll, Waker, ready},
};

use tungstenite::{Error, Message, error::ProtocolError};

use super::{
    deferred::Deferred, drive::Waiter, lifecycle::State, outbox::Compressed, state::Connection,
    waiters::Event,
};
use crate::{
    close::{CloseCode, CloseReason},
    deflate::{Deflater, Standalone},
};

/// The maximum number of bytes of one write to a byte stream.
const MAX_WRITE: usize = 64 * 1024;

/// Whether a message may be compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::websocket) enum Compress {
    /// As negotiated.
    Negotiated,
    Never,
}

/// The result of accepting a message for sending.
pub(in crate::websocket) enum SendStep {
    /// The message is queued. It is written once everything up to the position is written.
    Queued(u64),
    /// The message has to be compressed outside of the lock, and then passed to
    /// [`accept_compressed`](Connection::accept_compressed).
    ToCompress(Message, Deflater),
    /// Another sender uses the compressor.
    Busy(Message),
}

/// When a queued message has to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::websocket) enum Urgency {
    /// When the handler's task yields.
    Corked,
    /// Now, as far as this is possible without waiting, because the handler has computed for long.
    Overdue,
    /// Now.
    Direct,
}

impl<IO> Connection<IO> {
    /// Returns an error if messages can no longer be sent.
    pub(in crate::websocket) fn check_open(&mut self) -> Result<(), Error> {
        match (self.outbox.take_error(), self.lifecycle.state()) {
            (Some(error), _) => Err(error),
            (None, _) if self.outbox.has_failed() => Err(Error::AlreadyClosed),
            (None, State::Open) => Ok(()),
            (None, State::CloseSent | State::CloseReceived) => Err(ProtocolError::SendAfterClosing.into()),
            (None, _) => Err(Error::AlreadyClosed),
        }
    }

    /// Returns `true` if the message is valid, such as a ping of at most 125 bytes.
    pub(in crate::websocket) fn is_valid(&self, message: &Message) -> bool {
        self.outbox.check(message).is_ok()
    }

    pub(in crate::websocket) fn has_space(&self) -> bool {
        self.outbox.has_space()
    }

    /// Returns `true` if a task that cannot wait may send another message. While another thread
    /// uses the IO, it is unknown how much the IO accepts, so the limit is doubled.
    pub(in crate::websocket) fn may_have_space(&self) -> bool {
        self.has_space() || self.slot.link.is_none() && self.outbox.has_space_for_a_moment()
    }

    /// Returns `true` if a task that can wait first has to yield.
    pub(in crate::websocket) fn has_sent_enough(&self) -> bool {
        self.turn.budget.is_sent()
    }

    /// Ready when a message may be sent, or can no longer be sent. A task that has waited need not
    /// yield.
    pub(in crate::websocket) fn poll_ready(&mut self, has_waited: bool) -> Poll<Result<(), Error>> {
        match self.check_open() {
            Err(error) => Poll::Ready(Err(error)),
            Ok(()) if self.has_space() && (has_waited || !self.has_sent_enough()) => Poll::Ready(Ok(())),
            Ok(()) => Poll::Pending,
        }
    }

    /// Accepts a copy of a message if no further step is needed, which is the case for small
    /// messages while there is space. Other connections may share the frame `shared`. Returns its
    /// position.
    pub(in crate::websocket) fn send_now(
        &mut self,
        message: &Message,
        shared: Option<&Arc<[u8]>>,
        compress: Compress,
        deferred: &mut Deferred,
    ) -> Option<u64> {
        let is_plain =
            compress == Compress::Never || !self.terms.is_compressed || !self.outbox.is_compressible(message);
        if !(is_plain && self.is_open() && self.has_space()) {
            return None;
        }
        let is_shared = shared.is_some_and(|frame| self.outbox.push_shared(frame, message.len()));
        if !(is_shared || self.outbox.push_copy(message)) {
            return None;
        }
        self.terms.meter.sent(message.len());
        self.turn.budget.count_sent(message.len());
        self.pass_space_on(deferred);
        Some(self.outbox.accepted())
    }

    /// Accepts a message for sending.
    pub(in crate::websocket) fn start_send(
        &mut self,
        message: Message,
        compress: Compress,
        deferred: &mut Deferred,
    ) -> Result<SendStep, Error> {
        if let Err(error) = self.check_open().and_then(|()| self.outbox.check(&message)) {
            deferred.drop_message(Some(message));
            // The sender may have been woken for space that it does not use.
            self.pass_space_on(deferred);
            return Err(error);
        }
        if let Message::Close(frame) = &message {
            let (code, reason) = match frame {
                Some(frame) => (CloseCode::try_from(u16::from(frame.code)).ok(), frame.reason.as_str()),
                None => (None, ""),
            };
            self.begin_close(code, CloseReason::truncated(reason), deferred);
            deferred.drop_message(Some(message));
            return Ok(SendStep::Queued(u64::MAX));
        }
        if compress == Compress::Negotiated && self.outbox.is_compressible(&message) {
            return Ok(match self.outbox.take_compressor() {
                Some(compressor) => SendStep::ToCompress(message, compressor),
                None => {
                    // The sender may have been woken for space that it does not use yet.
                    self.pass_space_on(deferred);
                    SendStep::Busy(message)
                }
            });
        }
        self.queue(message, None, deferred);
        // The sender may have been woken for the compressor, which it does not need.
        self.waiters.wake_first(Event::Compressor, deferred);
        Ok(SendStep::Queued(self.outbox.accepted()))
    }

    /// Takes the compressor back, and accepts a message that was compressed or is sent
    /// uncompressed.
    pub(in crate::websocket) fn accept_compressed(
        &mut self,
        message: Message,
        compressed: Option<Compressed>,
        compressor: Deflater,
        deferred: &mut Deferred,
    ) -> Result<u64, Error> {
        self.put_compressor(compressor, deferred);
        if let Err(error) = self.check_open() {
            deferred.drop_message(Some(message));
            return Err(error);
        }
        self.queue(message, compressed, deferred);
        Ok(self.outbox.accepted())
    }

    pub(in crate::websocket) fn put_compressor(&mut self, compressor: Deflater, deferred: &mut Deferred) {
        self.outbox.put_compressor(compressor);
        self.waiters.wake_first(Event::Compressor, deferred);
    }

    fn queue(&mut self, message: Message, compressed: Option<Compressed>, deferred: &mut Deferred) {
        if let Message::Text(_) | Message::Binary(_) = &message {
            self.terms.meter.sent(message.len());
        }
        self.turn.budget.count_sent(message.len());
        match compressed {
            Some(compressed) => {
                self.outbox.push_compressed(compressed);
                deferred.drop_message(Some(message));
            }
            None => self.outbox.push(message, deferred),
        }
        self.pass_space_on(deferred);
    }

    /// Returns how this connection compresses `message` by itself, or `None` if it does not.
    pub(in crate::websocket) fn standalone(&self, message: &Message) -> Option<Standalone> {
        self.outbox.standalone(message)
    }

    /// Accepts a message of `len` bytes that was compressed for several connections.
    pub(in crate::websocket) fn send_compressed(
        &mut self,
        len: usize,
        compressed: Compressed,
        deferred: &mut Deferred,
    ) {
        self.terms.meter.sent(len);
        self.outbox.push_compressed(compressed);
        self.pass_space_on(deferred);
    }

    /// Wakes the next sender, if there is space for another message.
    pub(in crate::websocket) fn pass_space_on(&mut self, deferred: &mut Deferred) {
        if self.has_space() {
            self.waiters.wake_first(Event::Space, deferred);
        }
    }

    /// Accepts bytes of a stream once there is space, and returns their number.
    pub(in crate::websocket) fn poll_write(
        &mut self,
        slices: &[IoSlice<'_>],
        has_waited: bool,
    ) -> Poll<Result<usize, Error>> {
        ready!(self.poll_ready(has_waited))?;
        let max_frame_size = self.terms.config.max_outgoing_frame_size;
        let (mut begun, mut written) = (0, 0);
        for slice in slices {
            let len = slice.len().min(MAX_WRITE - written);
            begun += self.outbox.push_bytes(&slice[..len], max_frame_size);
            written += len;
        }
        self.terms.meter.sent_bytes(begun, written);
        self.turn.budget.count_sent(written);
        Poll::Ready(Ok(written))
    }

    /// Returns the position of the last accepted message.
    pub(in crate::websocket) fn accepted(&self) -> u64 {
        self.outbox.accepted()
    }

    /// Ready when everything up to `position` is written.
    pub(in crate::websocket) fn poll_written(&mut self, position: u64) -> Poll<Result<(), Error>> {
        let is_dropped = self.outbox.is_dropped(position);
        let is_written = self.outbox.written() >= position || !self.outbox.has_output();
        if is_dropped || is_written || self.outbox.has_failed() || self.is_over() {
            let written = self.written();
            return Poll::Ready(if is_dropped { written.and(Err(Error::AlreadyClosed)) } else { written });
        }
        Poll::Pending
    }

    /// Returns an error if writing has failed.
    pub(super) fn written(&mut self) -> Result<(), Error> {
        match self.outbox.take_error() {
            Some(error) => Err(error),
            None if self.outbox.has_failed() => Err(Error::AlreadyClosed),
            None => Ok(()),
        }
    }

    /// Returns `true` if `waiter`, whose task has this waker, leaves writing to its driver.
    pub(super) fn leaves_writing(&mut self, waiter: &Waiter<'_>, waker: &Waker) -> bool {
        self.is_turn(waker)
            && (!self.outbox.has_output()
                || matches!(waiter, Waiter::Reader) && self.turn.cork.hold_in_pause()
                || self.turn.cork.hold())
    }

    /// Holds back a queued message from the task of `waker`, if it may wait. Returns when it has to
    /// be written.
    pub(in crate::websocket) fn cork(&mut self, waker: &Waker) -> Urgency {
        match self.is_turn(waker) {
            true if self.outbox.has_output() && !self.turn.cork.hold() => Urgency::Overdue,
            true => Urgency::Corked,
            false => Urgency::Direct,
        }
    }

    /// Returns `true` if the task of `waker` runs a handler that is being polled. Its messages may
    /// wait until it yields.
    fn is_turn(&self, waker: &Waker) -> bool {
        self.terms.config.cork && self.turn.is_running() && self.waiters.is_driver(waker)
    }

    /// Holds back the messages that were sent in the handler's turn, if there is one. Returns
    /// `true` if they have already waited too long.
    pub(in crate::websocket) fn cork_turn(&mut self) -> bool {
        self.turn.is_running() && self.outbox.has_output() && !self.turn.cork.hold()
    }

    pub(in crate::websocket) fn add_sender(&mut self) {
        self.users.senders += 1;
    }

    /// Adds a sender unless the last one was dropped or the connection is closing. Returns `true`
    /// if it was added.
    pub(in crate::websocket) fn add_sender_if_open(&mut self) -> bool {
        let is_open = self.users.senders > 0 && self.is_open();
        self.users.senders += u32::from(is_open);
        is_open
    }

    /// Removes a sender. The last one closes the connection with `code`.
    pub(in crate::websocket) fn remove_sender(&mut self, code: CloseCode, deferred: &mut Deferred) {
        self.users.senders -= 1;
        if self.users.senders == 0 {
            self.close_on_drop(code, deferred);
        }
    }
}
