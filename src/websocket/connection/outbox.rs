//! Messages that were accepted for sending and are not written yet.

use bytes::Bytes;
use tungstenite::{
    Error, Message,
    error::{CapacityError, ProtocolError},
    protocol::{
        CloseFrame,
        frame::{Frame, coding::Data},
    },
};

use super::{deferred::Deferred, unframed::Unframed};
use crate::{
    close::CloseCode,
    codec::{Control, Encoder, Flight},
    deflate::{Deflater, Standalone},
};

/// Pongs may wait beyond the limit, up to this many bytes; then only the last one is kept (RFC 6455
/// §5.5.3).
const MAX_PONGS: usize = 64 * 1024;

/// What the connection's own pings begin with, so that their pongs are told from others.
const PING_MARK: &[u8] = b"tower-ws";

/// Messages that were accepted for sending and are not written yet.
#[derive(Debug)]
pub(super) struct Outbox {
    encoder: Encoder,
    /// The compressor, while no sender uses it.
    compressor: Option<Deflater>,
    /// How messages are compressed, if each is by itself.
    standalone: Option<Standalone>,
    /// What was written to a stream of bytes behind all messages. Boxed, as most sockets are none.
    unframed: Option<Box<Unframed>>,
    /// At how many bytes sending waits.
    limit: usize,
    /// The last pong, for which there was no room.
    pong: Option<Box<Bytes>>,
    /// How many bytes of the link's flight are not written, and the position that it reaches.
    in_flight: Option<(usize, u64)>,
    /// The position up to which messages are written.
    written: u64,
    /// The position behind which messages were dropped, if any were.
    kept: Option<u64>,
    /// How many of the connection's own pings were sent.
    pings: u32,
    /// Whether writing has failed or was given up; the error is returned once.
    has_failed: bool,
    error: Option<Box<Error>>,
}

impl Outbox {
    /// Sending waits while `limit` bytes wait.
    pub(super) fn new(encoder: Encoder, limit: usize, compressor: Deflater) -> Self {
        Self {
            encoder,
            standalone: compressor.standalone(),
            compressor: Some(compressor),
            unframed: None,
            limit,
            pong: None,
            in_flight: None,
            written: 0,
            kept: None,
            pings: 0,
            has_failed: false,
            error: None,
        }
    }

    /// Returns whether there is something to write, and writing has not failed.
    pub(super) fn has_output(&self) -> bool {
        let is_waiting = self.in_flight.is_some() || !self.encoder.is_empty() || self.pong.is_some();
        !self.has_failed && (is_waiting || self.unframed_len() > 0)
    }

    /// Returns whether one more message may be sent.
    pub(super) fn has_room(&self) -> bool {
        self.pending() < self.limit
    }

    /// Returns whether there is room beyond the limit, as somebody is just writing.
    pub(super) fn has_room_for_a_moment(&self) -> bool {
        self.pending() < self.limit.saturating_mul(2)
    }

    fn pending(&self) -> usize {
        self.in_flight.map_or(0, |(bytes, _)| bytes) + self.encoder.queued() + self.unframed_len()
    }

    fn unframed_len(&self) -> usize {
        self.unframed.as_ref().map_or(0, |unframed| unframed.len())
    }

    /// Returns the position that the last accepted message has.
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
            Message::Frame(frame) if frame.payload().len() > self.limit => {
                Err(CapacityError::MessageTooLong { size: frame.payload().len(), max_size: self.limit }
                    .into())
            }
            _ => Ok(()),
        }
    }

    /// Accepts a copy of a text or binary message, if that is small and nothing waits before it.
    pub(super) fn push_copy(&mut self, message: &Message) -> bool {
        self.frame_bytes();
        matches!(message, Message::Text(_) | Message::Binary(_)) && self.encoder.push_copy(message)
    }

    /// Accepts bytes of a stream, which are behind all messages. `max_frame_size` is the limit of a
    /// frame, if there is one. Returns how many messages they have begun.
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

    /// Makes a message of the bytes of a stream that are behind all messages.
    fn frame_bytes(&mut self) {
        if let Some(unframed) = self.unframed.as_mut().filter(|unframed| unframed.len() > 0) {
            // If it comes back, as it was copied, its destructor is ours.
            drop(self.encoder.push(Message::Binary(unframed.take().into())));
        }
    }

    /// Accepts a message as it is.
    pub(super) fn push(&mut self, message: Message, deferred: &mut Deferred) {
        self.frame_bytes();
        // The application's own control frames keep their place between its messages.
        let message = match message {
            Message::Ping(payload) => Message::Frame(Frame::ping(payload)),
            Message::Pong(payload) => Message::Frame(Frame::pong(payload)),
            message => message,
        };
        deferred.drop_message(self.encoder.push(message));
    }

    /// Accepts a message whose payload was compressed.
    pub(super) fn push_compressed(&mut self, compressed: Compressed) {
        self.frame_bytes();
        let Compressed { opcode, payload } = compressed;
        self.encoder.push_compressed(opcode, payload, self.limit);
    }

    /// Returns how `message` is compressed, if it is, and by itself.
    pub(super) fn standalone(&self, message: &Message) -> Option<Standalone> {
        self.standalone.filter(|standalone| standalone.applies(message))
    }

    /// Returns whether `message` is to be compressed.
    pub(super) fn is_compressible(&self, message: &Message) -> bool {
        self.compressor.as_ref().is_none_or(|compressor| compressor.applies(message))
    }

    /// Takes the compressor, which is used outside of the lock; `None` while another sender uses
    /// it.
    pub(super) fn take_compressor(&mut self) -> Option<Deflater> {
        self.compressor.take()
    }

    pub(super) fn put_compressor(&mut self, compressor: Deflater) {
        self.compressor = Some(compressor);
    }

    /// Answers a ping.
    pub(super) fn push_pong(&mut self, payload: Bytes) {
        // In order: none overtakes the one that waits.
        if self.pong.is_none() && self.pending() < self.limit.saturating_add(MAX_PONGS) {
            self.encoder.push_control(&Control::Pong(payload));
        } else {
            self.pong = Some(Box::new(payload));
        }
    }

    /// Sends a ping of the connection's own.
    pub(super) fn push_ping(&mut self) {
        self.pings = self.pings.wrapping_add(1);
        let payload = [PING_MARK, &self.pings.to_be_bytes()].concat();
        self.encoder.push_control(&Control::Ping(payload.into()));
    }

    /// Returns whether a pong answers one of the connection's own pings.
    pub(super) fn is_own_pong(&self, payload: &[u8]) -> bool {
        payload.strip_prefix(PING_MARK).is_some_and(|number| {
            number.try_into().is_ok_and(|number| (1..=self.pings).contains(&u32::from_be_bytes(number)))
        })
    }

    /// Sends a Close behind all that was accepted.
    pub(super) fn push_close(&mut self, frame: Option<CloseFrame>) {
        self.frame_bytes();
        self.encoder.push_close_last(frame.as_ref());
    }

    /// Sends `frame` in place of a Close of which no byte has left. Returns whether there was one.
    pub(super) fn replace_close(&mut self, frame: &CloseFrame) -> bool {
        let is_waiting = self.encoder.has_close();
        if is_waiting {
            self.encoder.push_close_last(Some(frame));
        }
        is_waiting
    }

    /// Returns the next stretch of bytes to write, which goes into the link.
    pub(super) fn next_flight(&mut self) -> Option<Flight> {
        self.frame_bytes();
        if let Some(pong) = self.pong.take() {
            self.encoder.push_control(&Control::Pong(*pong));
        }
        let flight = self.encoder.next_flight()?;
        self.in_flight = Some((flight.remaining(), flight.position()));
        Some(flight)
    }

    /// Notes how much of the flight is left, `None` when all of it is written and flushed.
    pub(super) fn set_in_flight(&mut self, left: Option<usize>) {
        match (left, &mut self.in_flight) {
            (Some(left), Some((bytes, _))) => *bytes = left,
            (None, slot) => {
                if let Some((_, position)) = slot.take() {
                    self.written = self.written.max(position);
                }
            }
            (Some(_), None) => {}
        }
    }

    /// Returns whether the message at `position` was accepted and dropped.
    pub(super) fn is_dropped(&self, position: u64) -> bool {
        position <= self.accepted() && self.kept.is_some_and(|kept| kept < position)
    }

    /// Drops all messages that were not begun.
    pub(super) fn clear(&mut self, deferred: &mut Deferred) {
        self.pong = None;
        self.frame_bytes();
        let begun = self.in_flight.map_or(self.written, |(_, position)| position);
        self.kept.get_or_insert(begun);
        deferred.drop(self.encoder.clear());
    }

    /// Writes nothing any more. `error` is returned to the next that asks.
    pub(super) fn fail(&mut self, error: Option<Error>, deferred: &mut Deferred) {
        self.has_failed |= error.is_some() || self.has_output();
        match (&self.error, error) {
            (None, error) => self.error = error.map(Box::new),
            (Some(_), Some(error)) => deferred.drop(error),
            (Some(_), None) => {}
        }
        self.in_flight = None;
        self.clear(deferred);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Notes what ended the connection, for the next that sends.
    pub(super) fn set_error(&mut self, error: Error) {
        self.error.get_or_insert_with(|| Box::new(error));
    }

    /// Returns the error that writing failed with, once.
    pub(super) fn take_error(&mut self) -> Option<Error> {
        self.error.take().map(|error| *error)
    }
}

/// The largest payload of a control frame (RFC 6455 §5.5), in bytes.
const MAX_CONTROL: usize = 125;

/// What a message was compressed to.
#[derive(Clone, Debug)]
pub(in crate::websocket) struct Compressed {
    pub(in crate::websocket) opcode: Data,
    pub(in crate::websocket) payload: Bytes,
}
