//! Compressed frames on their way in.

use std::{io, mem};

use bytes::{Buf, Bytes};
use tokio::io::ReadBuf;
use tungstenite::{
    Message,
    protocol::frame::{
        FrameHeader,
        coding::{Data, OpCode},
    },
};

use super::{
    bad_data::BadData,
    inflate::Inflater,
    pool::{self, CHUNK, PIECE, TAIL},
};

/// How many bytes may come out before the others have their turn.
const MAX_AT_ONCE: usize = 256 * 1024;

/// Turns the frames of compressed messages into plain ones (RFC 7692 §7.2.2), where that was agreed on.
///
/// What is inflated goes on in frames of their own, masked with a key of zeros: a message that is all there and not
/// larger than 16 KiB as one frame, any other in fragments as large as what is there. So the memory that a message takes
/// here does not depend on its size, and tungstenite counts and checks what comes out as it comes.
#[derive(Debug)]
pub(crate) struct Inbound(Option<Box<State>>);

#[derive(Debug)]
struct State {
    inflater: Inflater,
    /// The largest frame that goes on, in bytes.
    max_output: usize,
    /// The opcode of the next frame that goes on, while a compressed message is open.
    next: Option<Data>,
    frame: Option<Compressed>,
    /// Whether the open message had any payload so far.
    has_payload: bool,
    /// Whether the last of it was also the last of a stream.
    has_ended: bool,
    /// How much of [`TAIL`] the inflater has had.
    tail: usize,
    output: Option<Output>,
    /// How many bytes came out since the others had their turn.
    produced: usize,
    is_paused: bool,
    is_bad: bool,
}

/// The frame whose payload is being inflated.
#[derive(Debug)]
struct Compressed {
    mask: [u8; 4],
    rest: u64,
    is_final: bool,
}

/// What was inflated, `start..end` of a pool's buffer.
#[derive(Debug)]
struct Output {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

/// Why nothing goes on though there may be something to inflate.
#[derive(Debug)]
pub(crate) enum Halt {
    /// It cannot be inflated.
    Failed(io::Error),
    /// The others have their turn.
    Pause,
}

impl Inbound {
    pub(super) fn new(inflater: Option<Inflater>, max_frame_size: usize) -> Self {
        Self(inflater.map(|inflater| {
            Box::new(State {
                inflater,
                max_output: CHUNK.min(max_frame_size),
                next: None,
                frame: None,
                has_payload: false,
                has_ended: false,
                tail: 0,
                output: None,
                produced: 0,
                is_paused: false,
                is_bad: false,
            })
        }))
    }

    /// Whether compression was agreed on.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Whether a frame belongs to a compressed message. Those that break a rule do not: tungstenite refuses them.
    pub(crate) fn takes(&self, header: &FrameHeader, is_message_open: bool) -> bool {
        let Some(state) = &self.0 else { return false };
        let belongs = match header.opcode {
            OpCode::Data(Data::Text | Data::Binary) => header.rsv1 && !is_message_open,
            OpCode::Data(Data::Continue) => !header.rsv1 && state.next.is_some(),
            _ => false,
        };
        belongs && !header.rsv2 && !header.rsv3 && header.mask.is_some()
    }

    /// Whether a frame is being inflated, or what came out of it is still here.
    pub(crate) fn is_busy(&self) -> bool {
        self.0.as_ref().is_some_and(|state| state.frame.is_some() || state.output.is_some())
    }

    /// Begins with a frame that it [`takes`](Self::takes).
    pub(crate) fn begin(&mut self, header: &FrameHeader, payload: u64) {
        let (Some(state), OpCode::Data(opcode)) = (&mut self.0, header.opcode) else { return };
        if opcode != Data::Continue {
            state.next = Some(opcode);
            state.has_payload = false;
            state.has_ended = false;
        }
        state.has_payload |= payload > 0;
        state.tail = 0;
        let mask = header.mask.unwrap_or_default();
        state.frame = Some(Compressed { mask, rest: payload, is_final: header.is_final });
    }

    /// Inflates from `input`. When a frame can go on, returns its header and size: its payload is then to be
    /// [written](Self::write). Otherwise it waits for more, or has come to a [halt](Self::halt).
    pub(crate) fn inflate(&mut self, input: &mut &[u8]) -> Option<(FrameHeader, u64)> {
        let state = self.0.as_mut()?;
        if state.is_paused || state.is_bad {
            return None;
        }
        match state.inflate(input) {
            Ok(Some((header, payload))) => {
                if payload == 0 {
                    state.give_back();
                }
                Some((header, payload))
            }
            Ok(None) => {
                state.give_back();
                None
            }
            Err(BadData) => {
                state.give_back();
                state.is_bad = true;
                None
            }
        }
    }

    /// Takes what goes on with `header` if it is a message by itself: whole, with at most `max` bytes, and UTF-8 where
    /// it says that it is text.
    pub(crate) fn take(&mut self, header: &FrameHeader, max: usize) -> Option<Message> {
        let state = self.0.as_mut()?;
        let payload =
            state.output.as_ref().map_or(&[][..], |output| &output.buffer[output.start..output.end]);
        if !header.is_final || payload.len() > max {
            return None;
        }
        let message = match header.opcode {
            OpCode::Data(Data::Text) => Message::Text(simdutf8::basic::from_utf8(payload).ok()?.into()),
            OpCode::Data(Data::Binary) => Message::Binary(Bytes::copy_from_slice(payload)),
            _ => return None,
        };
        state.give_back();
        Some(message)
    }

    /// Moves the payload of a frame that goes on, as much as fits, to `output`; whether there was any.
    pub(crate) fn write(&mut self, output: &mut ReadBuf<'_>) -> bool {
        let Some(state) = &mut self.0 else { return false };
        let Some(pending) = &mut state.output else { return false };
        let there = &pending.buffer[pending.start..pending.end];
        let n = there.len().min(output.remaining());
        output.put_slice(&there[..n]);
        pending.start += n;
        if pending.start == pending.end {
            state.give_back();
        }
        true
    }

    /// Why nothing goes on. Pauses are over once they were seen.
    pub(crate) fn halt(&mut self) -> Option<Halt> {
        let state = self.0.as_mut()?;
        if state.is_bad {
            Some(Halt::Failed(BadData.into()))
        } else {
            mem::take(&mut state.is_paused).then_some(Halt::Pause)
        }
    }
}

impl State {
    fn inflate(&mut self, input: &mut &[u8]) -> Result<Option<(FrameHeader, u64)>, BadData> {
        let Some(frame) = &mut self.frame else { return Ok(None) };
        let output =
            self.output.get_or_insert_with(|| Output { buffer: pool::take_buffer(), start: 0, end: 0 });
        let (chunk, piece) = output.buffer.split_at_mut(CHUNK);
        let chunk = &mut chunk[..self.max_output];
        let is_final = loop {
            if frame.rest > 0 && input.is_empty() {
                if output.end == 0 {
                    return Ok(None);
                }
                break false;
            }
            let there = usize::try_from(frame.rest).unwrap_or(usize::MAX).min(input.len()).min(PIECE);
            unmask(&input[..there], frame.mask, &mut piece[..there]);
            let mut len = there;
            let is_end = frame.is_final && there as u64 == frame.rest;
            if is_end && there == 0 && self.tail == 0 && self.has_ended {
                self.tail = TAIL.len();
            }
            // Nothing at all is a message, too, though it should have been a single zero.
            if is_end && self.has_payload {
                piece[there..there + TAIL.len() - self.tail].copy_from_slice(&TAIL[self.tail..]);
                len += TAIL.len() - self.tail;
            }
            let inflated = self.inflater.inflate(&piece[..len], &mut chunk[output.end..])?;
            let taken = inflated.consumed.min(there);
            input.advance(taken);
            frame.rest -= taken as u64;
            frame.mask.rotate_left(taken % 4);
            self.tail += inflated.consumed - taken;
            if inflated.consumed > 0 || inflated.has_ended {
                self.has_ended = inflated.has_ended;
            }
            output.end += inflated.produced;
            if inflated.has_ended && is_end && taken == there && self.tail == 0 {
                // The stream has come to its own end, and no zero announces another one.
                self.tail = TAIL.len();
            }
            if output.end == chunk.len() {
                break false;
            }
            if is_end && frame.rest == 0 && (self.tail == TAIL.len() || !self.has_payload) {
                break true;
            }
            if frame.rest == 0 && !frame.is_final {
                // tungstenite has to know of the message before the next frame comes.
                break false;
            }
            if inflated.consumed == 0 && inflated.produced == 0 && !inflated.has_ended {
                return Err(BadData);
            }
        };
        let len = output.end;
        if is_final || frame.rest == 0 && !frame.is_final && len < chunk.len() {
            self.frame = None;
        }
        let opcode = self.next.replace(Data::Continue).unwrap_or(Data::Continue);
        if is_final {
            self.next = None;
            self.inflater.end_message();
        }
        self.produced += len;
        if self.produced > MAX_AT_ONCE {
            self.produced = 0;
            self.is_paused = true;
        }
        let header = FrameHeader {
            is_final,
            opcode: OpCode::Data(opcode),
            mask: Some([0; 4]),
            ..FrameHeader::default()
        };
        Ok(Some((header, len as u64)))
    }

    fn give_back(&mut self) {
        if let Some(output) = self.output.take() {
            pool::give_buffer(output.buffer);
        }
    }
}

/// Unmasks the beginning of what is left of a frame (RFC 6455 §5.3).
fn unmask(input: &[u8], mask: [u8; 4], output: &mut [u8]) {
    let [a, b, c, d] = mask;
    let key = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (mut input, mut output) = (input.chunks_exact(8), output.chunks_exact_mut(8));
    for (output, input) in output.by_ref().zip(input.by_ref()) {
        let word = u64::from_ne_bytes(input.try_into().expect("a chunk is eight bytes"));
        output.copy_from_slice(&(word ^ key).to_ne_bytes());
    }
    let rest = input.remainder().iter().zip(mask.iter().cycle());
    for (output, (input, key)) in output.into_remainder().iter_mut().zip(rest) {
        *output = input ^ key;
    }
}
