//! Encoding of messages to bytes.

use std::{collections::VecDeque, mem, sync::Arc};

use bytes::Bytes;
use tungstenite::{
    Message,
    protocol::{
        CloseFrame,
        frame::{Frame, coding::Data},
    },
};

use super::{
    control::{self, Control},
    flight::Flight,
    frame::{single_frame, write_frame},
    framed::{COPY_MAX, Framed},
    header,
    mask::{Key, Mask},
    outgoing::Outgoing,
};

/// The maximum number of bytes of frames that are collected, and that control frames may have to
/// wait for.
const MAX_FRAMED: usize = 64 * 1024;

/// Encodes outgoing messages. It holds messages that were accepted and not yet returned for
/// writing.
///
/// It is small while it is empty. It never drops values of the application.
#[derive(Debug)]
pub(crate) struct Encoder {
    max_frame_size: usize,
    /// Generates the masking key of each frame, on the client's side.
    keys: Option<fn() -> Key>,
    /// Encoded frames.
    framed: Framed,
    /// The messages and the Close that follow the frames.
    queue: Option<Box<Queue>>,
    queued: usize,
    /// The number of data messages that were accepted, completely encoded, and returned for
    /// writing.
    accepted: u64,
    framed_to: u64,
    given_to: u64,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Outgoing>,
    /// The Close frame that follows all data.
    close: Option<Vec<u8>>,
}

/// Messages that were accepted and are not sent.
#[derive(Debug)]
pub(crate) struct Garbage {
    _messages: VecDeque<Outgoing>,
}

impl Encoder {
    /// Creates an encoder. If `max_frame_size` is set, larger payloads are fragmented. A client's
    /// frames are masked with unpredictable `keys` (RFC 6455 §5.3 and §10.3); a server's frames are
    /// not masked.
    pub(crate) fn new(max_frame_size: Option<usize>, keys: Option<fn() -> Key>) -> Self {
        Self {
            max_frame_size: max_frame_size.unwrap_or(usize::MAX),
            keys,
            framed: Framed::default(),
            queue: None,
            queued: 0,
            accepted: 0,
            framed_to: 0,
            given_to: 0,
        }
    }

    /// Accepts a message of the application, or a raw frame, which is sent unchanged except for its
    /// mask. Control messages keep their place between the others.
    ///
    /// Returns the message if it was copied. It must be dropped where the application's destructors
    /// may run.
    #[must_use = "the application's destructors must not run under a lock"]
    pub(crate) fn push(&mut self, message: Message) -> Option<Message> {
        let message = match message {
            Message::Ping(payload) => Message::Frame(Frame::ping(payload)),
            Message::Pong(payload) => Message::Frame(Frame::pong(payload)),
            Message::Close(frame) => Message::Frame(Frame::close(frame)),
            message => message,
        };
        if self.push_copy(&message) {
            return Some(message);
        }
        self.accepted += 1;
        self.queue(Outgoing::new(message, self.max_frame_size));
        None
    }

    /// Accepts a copy of a message, if it is small and no output is pending before it.
    pub(crate) fn push_copy(&mut self, message: &Message) -> bool {
        let frame = match message {
            Message::Frame(frame) => Some((header::first_byte(frame.header()), frame.payload())),
            message => single_frame(message).filter(|(_, payload)| payload.len() <= self.max_frame_size),
        };
        let Some((first, payload)) = frame else { return false };
        let is_direct = self.is_direct(payload.len());
        if is_direct {
            self.frame(first, payload);
            self.accepted += 1;
            self.framed_to += 1;
        }
        is_direct
    }

    /// Accepts a shared frame with `payload` bytes, if a server sends it and no output is pending.
    pub(crate) fn push_shared(&mut self, frame: &Arc<[u8]>, payload: usize) -> bool {
        let is_usable = self.queued == 0 && !self.is_masked() && payload <= self.max_frame_size;
        if is_usable {
            self.framed = Framed::Shared(Arc::clone(frame));
            self.queued = frame.len();
            self.accepted += 1;
            self.framed_to += 1;
        }
        is_usable
    }

    /// Accepts a compressed message. It is sent in one frame if it has at most `whole` bytes, and
    /// in fragments otherwise.
    pub(crate) fn push_compressed(&mut self, opcode: Data, payload: Bytes, whole: usize) {
        self.accepted += 1;
        let max = if payload.len() <= whole { usize::MAX } else { self.max_frame_size };
        let mut outgoing = Outgoing::compressed(opcode, payload, max);
        if self.is_direct(outgoing.next_len())
            && outgoing.wire_len(self.is_masked()) == self.wire_len(outgoing.next_len())
        {
            let frame = outgoing.next();
            self.frame(frame.first, &frame.payload);
            self.framed_to += 1;
        } else {
            self.queue(outgoing);
        }
    }

    /// Accepts a control frame, which overtakes all data that is not yet encoded.
    pub(crate) fn push_control(&mut self, frame: &Control) {
        let key = self.next_key();
        let framed = self.framed.open();
        let before = framed.len();
        frame.write(framed, key);
        self.queued += framed.len() - before;
    }

    /// Accepts a Close frame that follows all accepted data. It survives [`clear`](Self::clear).
    pub(crate) fn push_close_last(&mut self, frame: Option<&CloseFrame>) {
        let mut close = Vec::new();
        control::write_close(&mut close, frame, self.next_key());
        self.queued += close.len();
        let before = self.queue.get_or_insert_default().close.replace(close);
        self.queued -= before.map_or(0, |before| before.len());
    }

    /// Returns `true` if a Close is queued behind data, and may still be replaced.
    pub(crate) fn has_close(&self) -> bool {
        self.queue.as_ref().is_some_and(|queue| queue.close.is_some())
    }

    /// Returns the next bytes to write: all frames so far, and a large frame if that is next.
    pub(crate) fn next_flight(&mut self) -> Option<Flight> {
        let (payload, mask, spent) = self.fill();
        if self.framed.is_empty() {
            return None;
        }
        self.given_to = self.framed_to;
        let flight = Flight::new(mem::take(&mut self.framed), payload, mask, spent);
        self.queued -= flight.remaining();
        Some(flight)
    }

    /// Returns the number of bytes, including headers, that were accepted and not yet returned for
    /// writing.
    pub(crate) fn queued(&self) -> usize {
        self.queued
    }

    /// Returns the number of messages that were accepted and are not encoded yet, because too many
    /// frames precede them, or because they are large.
    pub(crate) fn unencoded(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.messages.len())
    }

    /// Returns the number of data messages that were accepted so far.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Returns the number of data messages that were completely returned for writing.
    pub(crate) fn given(&self) -> u64 {
        self.given_to
    }

    /// Returns `true` if all data was returned for writing.
    pub(crate) fn is_empty(&self) -> bool {
        self.queued == 0
    }

    /// Removes all data that was not returned for writing. The result must be dropped where the
    /// application's destructors may run.
    ///
    /// Pongs and a Close remain. Pings are removed, because no task waits for their answers and
    /// because the application's pings followed its data. No data may be sent afterwards, because a
    /// message may be incomplete.
    #[must_use = "the application's destructors must not run under a lock"]
    pub(crate) fn clear(&mut self) -> Garbage {
        self.framed = Framed::Own(answers(&self.framed));
        self.framed_to = self.given_to;
        self.queued = self.framed.len();
        let messages = self.queue.as_mut().map(|queue| mem::take(&mut queue.messages)).unwrap_or_default();
        self.queue.take_if(|queue| queue.close.is_none());
        if let Some(close) = self.queue.as_ref().and_then(|queue| queue.close.as_ref()) {
            self.queued += close.len();
        }
        Garbage { _messages: messages }
    }

    /// Returns `true` if a frame with `payload` bytes can be appended to the encoded frames.
    fn is_direct(&self, payload: usize) -> bool {
        self.queue.is_none() && payload <= COPY_MAX && self.has_space(payload)
    }

    fn has_space(&self, payload: usize) -> bool {
        self.framed.is_empty() || self.framed.len() + self.wire_len(payload) <= MAX_FRAMED
    }

    fn frame(&mut self, first: u8, payload: &[u8]) {
        let key = self.next_key();
        let framed = self.framed.open();
        let before = framed.len();
        write_frame(framed, first, payload, key);
        self.queued += framed.len() - before;
    }

    fn is_masked(&self) -> bool {
        self.keys.is_some()
    }

    fn next_key(&self) -> Option<Key> {
        self.keys.map(|next| next())
    }

    fn wire_len(&self, payload: usize) -> usize {
        header::len(payload, self.is_masked()) + payload
    }

    fn queue(&mut self, outgoing: Outgoing) {
        self.queued += outgoing.wire_len(self.is_masked());
        self.queue.get_or_insert_default().messages.push_back(outgoing);
    }

    /// Encodes queued messages up to a large frame. Returns the payload and the mask of that frame,
    /// and the payloads that were copied.
    fn fill(&mut self) -> (Bytes, Option<Mask>, Vec<Bytes>) {
        let mut spent = Vec::new();
        let Some(mut queue) = self.queue.take() else { return (Bytes::new(), None, spent) };
        while let Some(next) = queue.messages.front_mut() {
            let len = next.next_len();
            // The flight ends here, so that a control frame that is sent meanwhile precedes the
            // rest.
            if len <= COPY_MAX && !self.has_space(len) {
                self.queue = Some(queue);
                return (Bytes::new(), None, spent);
            }
            let frame = next.next();
            if frame.is_last {
                queue.messages.pop_front();
                self.framed_to += 1;
            }
            let key = self.next_key();
            let framed = self.framed.open();
            // A large payload is written from its own memory, so no other frame can follow it in
            // this flight.
            if len > COPY_MAX {
                header::write(framed, frame.first, len, key);
                if !queue.messages.is_empty() || queue.close.is_some() {
                    self.queue = Some(queue);
                }
                return (frame.payload, key.map(Mask::new), spent);
            }
            write_frame(framed, frame.first, &frame.payload, key);
            // The payload belongs to the application, whose destructor may run arbitrary code. It
            // is dropped with the flight, outside of the lock.
            spent.push(frame.payload);
        }
        if let Some(close) = queue.close {
            self.framed.open().extend_from_slice(&close);
        }
        (Bytes::new(), None, spent)
    }
}

/// Returns the encoded frames without data frames and pings.
fn answers(mut framed: &[u8]) -> Vec<u8> {
    let mut kept = Vec::new();
    while let Some((frame, rest)) = header::split_frame(framed) {
        if header::is_control(frame[0]) && !header::is_ping(frame[0]) {
            kept.extend_from_slice(frame);
        }
        framed = rest;
    }
    kept
}

#[cfg(test)]
mod tests;
