//! From messages to bytes.

use std::{collections::VecDeque, mem};

use bytes::Bytes;
use tungstenite::{
    Message,
    protocol::{CloseFrame, frame::coding::Data},
};

use super::{
    control::{self, Control},
    flight::Flight,
    header,
    outgoing::Outgoing,
    write_buffer,
};

/// The largest payload that is copied behind other frames, in bytes. Above that an additional slice to write costs less
/// than the copy.
const COPY_MAX: usize = 16 * 1024;

/// How many bytes of frames are put together, behind which control frames have to wait.
const MAX_FRAMED: usize = 64 * 1024;

/// Encodes what is sent: holds what was accepted, and was not yet given out to be written.
///
/// It is small when it holds nothing. Nothing of the application's is dropped here.
#[derive(Debug)]
pub(crate) struct Encoder {
    max_frame_size: usize,
    /// Whole frames.
    framed: Vec<u8>,
    /// What comes after those.
    queue: Option<Box<Queue>>,
    queued: usize,
    /// How many data messages were accepted, were framed to the end, and were given out.
    accepted: u64,
    framed_to: u64,
    given_to: u64,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Outgoing>,
    /// The Close frame that comes after all data.
    close: Option<Vec<u8>>,
}

/// What was accepted and is not sent.
#[derive(Debug)]
pub(crate) struct Garbage {
    _messages: VecDeque<Outgoing>,
}

impl Encoder {
    /// No frame has more than `max_frame_size` bytes of payload, if there is a limit; messages above it are fragmented.
    pub(crate) fn new(max_frame_size: Option<usize>) -> Self {
        Self {
            max_frame_size: max_frame_size.unwrap_or(usize::MAX),
            framed: Vec::new(),
            queue: None,
            queued: 0,
            accepted: 0,
            framed_to: 0,
            given_to: 0,
        }
    }

    /// Accepts a text or binary message, or a raw frame, which goes out as it is, but never masked.
    ///
    /// Control messages are accepted as by [`push_control`](Self::push_control).
    ///
    /// Returns what has been copied. It is to be dropped where the application's destructors may run.
    #[must_use = "the application's destructors must not run under a lock"]
    pub(crate) fn push(&mut self, message: Message) -> Option<Message> {
        let message = match message {
            Message::Ping(payload) => return self.push_copied(Control::Ping(payload)),
            Message::Pong(payload) => return self.push_copied(Control::Pong(payload)),
            Message::Close(frame) => return self.push_copied(Control::Close(frame)),
            message => message,
        };
        self.accepted += 1;
        if self.frame_small(&message) {
            self.framed_to += 1;
            return Some(message);
        }
        match Outgoing::new(message, self.max_frame_size) {
            Ok(outgoing) => {
                self.queue(outgoing);
                None
            }
            Err(message) => Some(message),
        }
    }

    /// Accepts a compressed message. It goes out in one frame when it has at most `whole` bytes, else in fragments.
    pub(crate) fn push_compressed(&mut self, opcode: Data, payload: Bytes, whole: usize) {
        self.accepted += 1;
        let max = if payload.len() <= whole { usize::MAX } else { self.max_frame_size };
        let mut outgoing = Outgoing::compressed(opcode, payload, max);
        if self.is_direct(outgoing.next_len()) && outgoing.wire_len() == wire_len(outgoing.next_len()) {
            let frame = outgoing.next();
            self.frame(frame.first, &frame.payload);
            self.framed_to += 1;
        } else {
            self.queue(outgoing);
        }
    }

    /// Accepts a control frame, which overtakes all data of which no byte is framed yet.
    pub(crate) fn push_control(&mut self, frame: &Control) {
        self.open_buffer();
        let before = self.framed.len();
        frame.write(&mut self.framed);
        self.queued += self.framed.len() - before;
    }

    /// Accepts a Close frame that comes after all accepted data. It survives [`clear`](Self::clear).
    pub(crate) fn push_close_last(&mut self, frame: Option<&CloseFrame>) {
        let mut close = Vec::new();
        control::write_close(&mut close, frame);
        self.queued += close.len();
        let before = self.queue.get_or_insert_default().close.replace(close);
        self.queued -= before.map_or(0, |before| before.len());
    }

    /// Returns the next bytes to write: all frames so far, and when a large one is next, that too.
    pub(crate) fn next_flight(&mut self) -> Option<Flight> {
        let (payload, spent) = self.fill();
        if self.framed.is_empty() {
            return None;
        }
        self.given_to = self.framed_to;
        let flight = Flight::new(mem::take(&mut self.framed), payload, self.given_to, spent);
        self.queued -= flight.remaining();
        Some(flight)
    }

    /// Returns how many bytes were accepted, with their headers, and not yet given out.
    pub(crate) fn queued(&self) -> usize {
        self.queued
    }

    /// Returns how many data messages were accepted so far.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Whether there is nothing to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.queued == 0
    }

    /// Forgets all data that was not given out, and returns it, to be dropped where the application's destructors may run.
    ///
    /// Control frames stay. No data may follow, as a message may have been cut.
    #[must_use = "the application's destructors must not run under a lock"]
    pub(crate) fn clear(&mut self) -> Garbage {
        keep_control(&mut self.framed);
        self.framed_to = self.given_to;
        self.queued = self.framed.len();
        let messages = self.queue.as_mut().map(|queue| mem::take(&mut queue.messages)).unwrap_or_default();
        self.queue.take_if(|queue| queue.close.is_none());
        if let Some(close) = self.queue.as_ref().and_then(|queue| queue.close.as_ref()) {
            self.queued += close.len();
        }
        Garbage { _messages: messages }
    }

    fn push_copied(&mut self, frame: Control) -> Option<Message> {
        self.push_control(&frame);
        Some(match frame {
            Control::Ping(payload) => Message::Ping(payload),
            Control::Pong(payload) => Message::Pong(payload),
            Control::Close(frame) => Message::Close(frame),
        })
    }

    /// Frames a message that is small, unless it has to wait.
    fn frame_small(&mut self, message: &Message) -> bool {
        let (first, payload) = match message {
            Message::Text(text) if text.len() <= self.max_frame_size => (0x81, text.as_bytes()),
            Message::Binary(payload) if payload.len() <= self.max_frame_size => (0x82, &payload[..]),
            Message::Frame(frame) => (header::first_byte(frame.header()), &frame.payload()[..]),
            _ => return false,
        };
        let is_direct = self.is_direct(payload.len());
        if is_direct {
            self.frame(first, payload);
        }
        is_direct
    }

    /// Whether a frame with `payload` bytes can be put behind those that there are.
    fn is_direct(&self, payload: usize) -> bool {
        self.queue.is_none() && payload <= COPY_MAX && self.has_room(payload)
    }

    fn has_room(&self, payload: usize) -> bool {
        self.framed.is_empty() || self.framed.len() + wire_len(payload) <= MAX_FRAMED
    }

    fn frame(&mut self, first: u8, payload: &[u8]) {
        self.open_buffer();
        header::write(&mut self.framed, first, payload.len());
        self.framed.extend_from_slice(payload);
        self.queued += wire_len(payload.len());
    }

    fn queue(&mut self, outgoing: Outgoing) {
        self.queued += outgoing.wire_len();
        self.queue.get_or_insert_default().messages.push_back(outgoing);
    }

    /// Frames what is queued, up to a large frame, whose payload it returns, with what has been copied.
    fn fill(&mut self) -> (Bytes, Vec<Bytes>) {
        let mut spent = Vec::new();
        let Some(mut queue) = self.queue.take() else { return (Bytes::new(), spent) };
        while let Some(next) = queue.messages.front_mut() {
            let len = next.next_len();
            if len <= COPY_MAX && !self.has_room(len) {
                self.queue = Some(queue);
                return (Bytes::new(), spent);
            }
            let frame = next.next();
            if frame.is_last {
                queue.messages.pop_front();
                self.framed_to += 1;
            }
            self.open_buffer();
            header::write(&mut self.framed, frame.first, len);
            if len > COPY_MAX {
                if !queue.messages.is_empty() || queue.close.is_some() {
                    self.queue = Some(queue);
                }
                return (frame.payload, spent);
            }
            self.framed.extend_from_slice(&frame.payload);
            spent.push(frame.payload);
        }
        if let Some(close) = queue.close {
            self.open_buffer();
            self.framed.extend_from_slice(&close);
        }
        (Bytes::new(), spent)
    }

    fn open_buffer(&mut self) {
        if self.framed.capacity() == 0 {
            self.framed = write_buffer::take();
        }
    }
}

fn wire_len(payload: usize) -> usize {
    header::len(payload) + payload
}

/// Takes the data frames out of what is framed.
fn keep_control(framed: &mut Vec<u8>) {
    let mut kept = Vec::new();
    let mut rest = &framed[..];
    while let Some((frame, behind)) = header::split_frame(rest) {
        if header::is_control(frame[0]) {
            kept.extend_from_slice(frame);
        }
        rest = behind;
    }
    framed.clear();
    framed.extend_from_slice(&kept);
}
