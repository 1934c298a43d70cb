//! Messages that were accepted for sending and are not written yet.

use std::sync::Arc;

use bytes::Bytes;
use tungstenite::{
    Error, Message,
    error::{CapacityError, ProtocolError},
    protocol::{CloseFrame, frame::coding::Data},
};

use super::{deferred::Deferred, unframed::Unframed};
use crate::{
    close::CloseCode,
    codec::{Control, Encoder, Flight, MAX_CONTROL},
    deflate::{Deflater, Standalone},
};

/// The number of bytes that pongs may queue beyond the limit. After that only the last pong is kept
/// (RFC 6455 §5.5.3).
const MAX_PONGS: usize = 64 * 1024;

/// About what a message that is not encoded yet takes in addition to its bytes.
const OVERHEAD: usize = 64;

/// The prefix of the connection's own pings, by which their pongs are recognised.
const PING_MARK: &[u8] = b"tower-ws";

/// Messages that were accepted for sending and are not written yet.
#[derive(Debug)]
pub(super) struct Outbox {
    encoder: Encoder,
    /// The compressor, while no sender uses it.
    compressor: Option<Deflater>,
    /// How messages are compressed, if each is compressed by itself. Boxed, because it is only used
    /// for messages to many sockets.
    standalone: Option<Box<Standalone>>,
    /// Bytes that were written to a byte stream after all messages. Boxed, because most sockets are
    /// not used as a byte stream.
    unframed: Option<Box<Unframed>>,
    /// The number of queued bytes, with overhead, at which sending waits.
    limit: usize,
    /// The last pong, if it did not fit.
    pong: Option<Box<Bytes>>,
    /// Whether a flight is not written and flushed yet, and the number of its unwritten bytes.
    has_flight: bool,
    in_flight: usize,
    /// The position up to which messages are written.
    written: u64,
    /// The position after which messages were dropped, or the maximum if none were.
    kept: u64,
    /// The number of own pings that were sent.
    pings: u32,
    /// Whether writing has failed or was abandoned. The error is returned once.
    has_failed: bool,
    error: Option<Box<Error>>,
}

impl Outbox {
    /// Sending waits while `limit` bytes are queued.
    pub(super) fn new(encoder: Encoder, limit: usize, compressor: Deflater) -> Self {
        Self {
            encoder,
            standalone: compressor.standalone().map(Box::new),
            compressor: Some(compressor),
            unframed: None,
            limit,
            pong: None,
            has_flight: false,
            in_flight: 0,
            written: 0,
            kept: u64::MAX,
            pings: 0,
            has_failed: false,
            error: None,
        }
    }

    /// Returns `true` if no output follows the current flight.
    pub(super) fn is_all_in_flight(&self) -> bool {
        self.encoder.is_empty() && self.pong.is_none() && self.unframed.is_none()
    }

    /// Returns `true` if there is data to write, and writing has not failed.
    pub(super) fn has_output(&self) -> bool {
        let is_waiting = self.has_flight || !self.encoder.is_empty() || self.pong.is_some();
        !self.has_failed && (is_waiting || self.unframed_len() > 0)
    }

    /// Returns `true` if another message may be sent.
    pub(super) fn has_space(&self) -> bool {
        self.pending() < self.limit
    }

    /// Returns `true` if there is space up to twice the limit, for use while another task is
    /// writing.
    pub(super) fn has_space_for_a_moment(&self) -> bool {
        self.pending() < self.limit.saturating_mul(2)
    }

    fn pending(&self) -> usize {
        let overhead = self.encoder.unencoded() * OVERHEAD;
        self.in_flight + self.encoder.queued() + overhead + self.unframed_len()
    }

    fn unframed_len(&self) -> usize {
        self.unframed.as_ref().map_or(0, |unframed| unframed.len())
    }

    /// Returns the position of the last accepted message.
    pub(super) fn accepted(&self) -> u64 {
        self.encoder.accepted() + u64::from(self.unframed_len() > 0)
    }

    /// Returns the position up to which all messages are written.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Checks a message before it is accepted (RFC 6455 §5.5).
    pub(super) fn check(&self, message: &Message) -> Result<(), Error> {
        match message {
            Message::Ping(payload) | Message::Pong(payload) if payload.len() > MAX_CONTROL => {
                Err(ProtocolError::ControlFrameTooBig.into())
            }
            Message::Close(Some(frame)) if CloseCode::try_from(u16::from(frame.code)).is_err() => {
                Err(ProtocolError::InvalidCloseSequence.into())
            }
            // A character of a text in chunks is not split.
            Message::Frame(frame) if frame.payload().len() > self.limit.max(4) => {
                Err(CapacityError::MessageTooLong { size: frame.payload().len(), max_size: self.limit }
                    .into())
            }
            _ => Ok(()),
        }
    }

    /// Accepts a copy of a text or binary message, if it is small and no output is pending before
    /// it.
    pub(super) fn push_copy(&mut self, message: &Message) -> bool {
        self.frame_bytes();
        matches!(message, Message::Text(_) | Message::Binary(_)) && self.encoder.push_copy(message)
    }

    /// Accepts a frame that other connections share, if possible.
    pub(super) fn push_shared(&mut self, frame: &Arc<[u8]>, payload: usize) -> bool {
        self.frame_bytes();
        self.encoder.push_shared(frame, payload)
    }

    /// Accepts bytes of a stream, after all messages. `max_frame_size` is the limit of a frame, if
    /// any. Returns the number of messages that the bytes have begun.
    pub(super) fn push_bytes(&mut self, mut bytes: &[u8], max_frame_size: Option<usize>) -> usize {
        let mut begun = 0;
        while !bytes.is_empty() {
            let unframed = self.unframed.get_or_insert_with(|| Box::new(Unframed::new(max_frame_size)));
            begun += usize::from(unframed.len() == 0);
            bytes = unframed.push(bytes);
            if unframed.is_full() {
                self.frame_bytes();
            }
        }
        begun
    }

    /// Turns pending bytes of a stream into a message.
    fn frame_bytes(&mut self) {
        if let Some(unframed) = self.unframed.as_mut().filter(|unframed| unframed.len() > 0) {
            // The encoder returns the message if it was copied. Its destructor is not foreign code.
            drop(self.encoder.push(Message::Binary(unframed.take().into())));
        }
    }

    /// Accepts a message without compressing it.
    pub(super) fn push(&mut self, message: Message, deferred: &mut Deferred) {
        self.frame_bytes();
        deferred.drop_message(self.encoder.push(message));
    }

    /// Accepts a message whose payload was compressed.
    pub(super) fn push_compressed(&mut self, compressed: Compressed) {
        self.frame_bytes();
        let Compressed { opcode, payload } = compressed;
        self.encoder.push_compressed(opcode, payload, self.limit);
    }

    /// Returns how `message` is compressed by itself, or `None` if it is not.
    pub(super) fn standalone(&self, message: &Message) -> Option<Standalone> {
        self.standalone.as_deref().filter(|standalone| standalone.applies(message)).copied()
    }

    /// Returns `true` if `message` has to be compressed.
    pub(super) fn is_compressible(&self, message: &Message) -> bool {
        self.compressor.as_ref().is_none_or(|compressor| compressor.applies(message))
    }

    /// Takes the compressor, which is used outside of the lock. Returns `None` while another sender
    /// uses it.
    pub(super) fn take_compressor(&mut self) -> Option<Deflater> {
        self.compressor.take()
    }

    pub(super) fn put_compressor(&mut self, compressor: Deflater) {
        self.compressor = Some(compressor);
    }

    /// Answers a ping.
    pub(super) fn push_pong(&mut self, payload: Bytes) {
        // In order: a pong must not overtake the one that waits.
        if self.pong.is_none() && self.pending() < self.limit.saturating_add(MAX_PONGS) {
            self.encoder.push_control(&Control::Pong(payload));
        } else {
            self.pong = Some(Box::new(payload));
        }
    }

    /// Sends one of the connection's own pings.
    pub(super) fn push_ping(&mut self) {
        self.pings = self.pings.wrapping_add(1);
        let payload = [PING_MARK, &self.pings.to_be_bytes()].concat();
        self.encoder.push_control(&Control::Ping(payload.into()));
    }

    /// Returns `true` if a pong answers one of the connection's own pings.
    pub(super) fn is_own_pong(&self, payload: &[u8]) -> bool {
        payload.strip_prefix(PING_MARK).is_some_and(|number| {
            number.try_into().is_ok_and(|number| (1..=self.pings).contains(&u32::from_be_bytes(number)))
        })
    }

    /// Sends a Close after everything that was accepted.
    pub(super) fn push_close(&mut self, frame: Option<CloseFrame>) {
        self.frame_bytes();
        self.encoder.push_close_last(frame.as_ref());
    }

    /// Returns `true` if this side's Close is queued and not being written yet.
    pub(super) fn has_close(&self) -> bool {
        self.encoder.has_close()
    }

    /// Replaces a queued Close that is completely unwritten. Returns `true` if there was one.
    pub(super) fn replace_close(&mut self, frame: &CloseFrame) -> bool {
        let is_waiting = self.has_close();
        if is_waiting {
            self.encoder.push_close_last(Some(frame));
        }
        is_waiting
    }

    /// Returns the next bytes to write, which are passed to the link.
    pub(super) fn next_flight(&mut self) -> Option<Flight> {
        self.frame_bytes();
        if let Some(pong) = self.pong.take() {
            self.encoder.push_control(&Control::Pong(*pong));
        }
        let flight = self.encoder.next_flight()?;
        (self.has_flight, self.in_flight) = (true, flight.remaining());
        Some(flight)
    }

    /// Notes how much of the flight is left. `None` means that all of it is written and flushed.
    pub(super) fn set_in_flight(&mut self, left: Option<usize>) {
        if self.has_flight {
            (self.has_flight, self.in_flight) = (left.is_some(), left.unwrap_or(0));
            if left.is_none() {
                self.written = self.encoder.given();
            }
        }
    }

    /// Returns `true` if the message at `position` was accepted and dropped.
    pub(super) fn is_dropped(&self, position: u64) -> bool {
        position <= self.accepted() && self.kept < position
    }

    /// Drops all messages that are completely unwritten.
    pub(super) fn clear(&mut self, deferred: &mut Deferred) {
        self.pong = None;
        self.frame_bytes();
        let begun = if self.has_flight { self.encoder.given() } else { self.written };
        self.kept = self.kept.min(begun);
        deferred.drop(self.encoder.clear());
    }

    /// Stops writing. `error` is returned to the next caller.
    pub(super) fn fail(&mut self, error: Option<Error>, deferred: &mut Deferred) {
        self.has_failed |= error.is_some() || self.has_output();
        match (&self.error, error) {
            (None, error) => self.error = error.map(Box::new),
            (Some(_), Some(error)) => deferred.drop(error),
            (Some(_), None) => {}
        }
        (self.has_flight, self.in_flight) = (false, 0);
        self.clear(deferred);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Sets the error that ended the connection, for the next sender.
    pub(super) fn set_error(&mut self, error: Error) {
        self.error.get_or_insert_with(|| Box::new(error));
    }

    /// Returns the error with which writing failed, once.
    pub(super) fn take_error(&mut self) -> Option<Error> {
        self.error.take().map(|error| *error)
    }
}

/// A compressed message.
#[derive(Clone, Debug)]
pub(in crate::websocket) struct Compressed {
    pub(in crate::websocket) opcode: Data,
    pub(in crate::websocket) payload: Bytes,
}
