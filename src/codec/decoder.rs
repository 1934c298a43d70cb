//! Decoding of bytes to messages.

#[cfg(all(test, feature = "deflate"))]
mod compressed;
mod inflate;
mod pieces;

use bytes::buf::Limit;
use tungstenite::{
    Error, Message,
    protocol::{
        Role,
        frame::{
            FrameHeader,
            coding::{Control, Data, OpCode},
        },
    },
};

use super::{
    assembler::{Assembler, MessageKind, Outlook},
    close,
    decoded::Decoded,
    header::{self, MAX_CONTROL, PartialHeader, Rules},
    input,
    limits::Limits,
    mask::Mask,
    whole,
};
use crate::deflate::Inflater;

/// The minimum number of missing bytes of a frame that are read directly into the message.
const DIRECT_MIN: u64 = 8 * 1024;

/// Decodes the peer's data: a client's data in [`Role::Server`], a server's data in
/// [`Role::Client`].
///
/// It is small between messages: state for the assembly of a message is allocated when needed.
#[derive(Debug)]
pub(crate) struct Decoder {
    role: Role,
    limits: Limits,
    inflater: Inflater,
    header: PartialHeader,
    /// The frame whose payload is arriving.
    frame: Option<Frame>,
    /// The message that has begun and not ended.
    open: Option<Open>,
    /// The part of that message that has arrived, if any.
    message: Option<Box<Assembler>>,
    /// The part of an incomplete control frame that has arrived.
    control: Option<Box<ControlPayload>>,
    /// The number of compressed bytes at the start of the input that are already unmasked.
    ahead: u16,
    /// Whether the inflater may have more output without more input.
    is_inflating: bool,
    /// Whether messages are returned in pieces.
    in_pieces: bool,
}

#[derive(Debug)]
struct Frame {
    opcode: OpCode,
    is_final: bool,
    mask: Mask,
    /// The number of missing bytes of the payload.
    rest: u64,
    /// The maximum number of inflated bytes of the frame, if it is compressed.
    room: usize,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    kind: MessageKind,
    is_compressed: bool,
    /// Whether a piece of it was returned.
    is_begun: bool,
}

#[derive(Debug)]
struct ControlPayload {
    bytes: [u8; MAX_CONTROL],
    len: u8,
}

impl Decoder {
    pub(crate) fn new(role: Role, limits: Limits, inflater: Inflater) -> Self {
        Self {
            role,
            limits,
            inflater,
            header: PartialHeader::default(),
            frame: None,
            open: None,
            message: None,
            control: None,
            ahead: 0,
            is_inflating: false,
            in_pieces: false,
        }
    }

    /// Returns `true` if the last byte that was taken ended a message.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.header.is_empty() && self.frame.is_none() && self.open.is_none()
    }

    /// Returns `true` if the next frame is a Close whose first byte has arrived.
    /// `input` are the bytes after those that were decoded.
    pub(crate) fn is_at_close(&self, input: &[u8]) -> bool {
        match &self.frame {
            Some(frame) => frame.opcode == OpCode::Control(Control::Close),
            None => self.header.first().or(input.first().copied()).is_some_and(header::is_close),
        }
    }

    /// Returns `true` if the next frame is a control frame whose first byte has arrived.
    /// `input` are the bytes after those that were decoded.
    pub(crate) fn is_at_control(&self, input: &[u8]) -> bool {
        match &self.frame {
            Some(frame) => matches!(frame.opcode, OpCode::Control(_)),
            None => self.header.first().or(input.first().copied()).is_some_and(header::is_control),
        }
    }

    /// Makes one step of bounded work, and removes the bytes that it used from `input`.
    ///
    /// The remaining bytes must be passed again first, because some of them may already be
    /// unmasked.
    ///
    /// # Errors
    ///
    /// Returns an error if the peer violates the protocol. Nothing can be decoded after that.
    pub(crate) fn decode(&mut self, input: &mut &mut [u8]) -> Result<Decoded, Error> {
        let frame = match &self.frame {
            Some(frame) => frame,
            None => {
                if self.is_at_rest() {
                    if let Some(message) = whole::take(input, &self.limits, self.role)? {
                        return Ok(message);
                    }
                }
                let rules = Rules {
                    role: self.role,
                    is_message_open: self.open.is_some(),
                    is_message_compressed: self.open.is_some_and(|open| open.is_compressed),
                    may_be_compressed: self.inflater.is_on(),
                    assembled: self.assembled(),
                    limits: &self.limits,
                };
                let Some((header, payload)) = self.header.read(input, &rules)? else {
                    return Ok(Decoded::Starved);
                };
                self.begin(&header, payload)
            }
        };
        match (frame.opcode, self.open) {
            (OpCode::Control(opcode), _) => self.control(opcode, input),
            (OpCode::Data(_), Some(open)) if open.is_compressed => self.inflate(open.kind, input),
            (OpCode::Data(_), Some(open)) => self.plain(open.kind, input),
            (OpCode::Data(_), None) => unreachable!("a data frame belongs to a message"),
        }
    }

    /// Returns a buffer for reading bytes directly into a large message. All input must have been
    /// decoded before.
    ///
    /// The buffer holds at most the missing bytes of the frame, and grows as bytes arrive. After a
    /// read, [`decode_direct`](Self::decode_direct) must be called before any other bytes are
    /// decoded.
    pub(crate) fn direct(&mut self) -> Option<Limit<&mut Vec<u8>>> {
        let frame = self.frame.as_ref().filter(|frame| frame.rest >= DIRECT_MIN)?;
        let open = self.open.filter(|_| !self.in_pieces);
        let open = open.filter(|open| open.kind == MessageKind::Binary && !open.is_compressed)?;
        let missing = usize::try_from(frame.rest).unwrap_or(usize::MAX);
        let outlook = outlook(&self.limits, self.assembled(), frame);
        let message = self.message.get_or_insert_with(|| Box::new(Assembler::new(open.kind)));
        message.direct(missing, outlook)
    }

    /// Continues after bytes were read into the buffer of [`direct`](Self::direct).
    pub(crate) fn decode_direct(&mut self) -> Result<Decoded, Error> {
        let (Some(frame), Some(message)) = (&mut self.frame, &mut self.message) else {
            return Ok(Decoded::Starved);
        };
        frame.rest -= message.unmask(&mut frame.mask) as u64;
        if frame.rest > 0 { Ok(Decoded::Starved) } else { self.end_frame() }
    }

    /// Returns the number of bytes of the message that have arrived, after inflating if it is
    /// compressed.
    pub(crate) fn assembled(&self) -> usize {
        self.message.as_ref().map_or(0, |message| message.len())
    }

    fn begin(&mut self, header: &FrameHeader, rest: u64) -> &Frame {
        if let OpCode::Data(data @ (Data::Text | Data::Binary)) = header.opcode {
            let kind = if data == Data::Text { MessageKind::Text } else { MessageKind::Binary };
            self.open = Some(Open { kind, is_compressed: header.rsv1, is_begun: false });
            if header.rsv1 {
                self.inflater.begin();
            }
        }
        self.frame.insert(Frame {
            opcode: header.opcode,
            is_final: header.is_final,
            // A key of zeros changes nothing.
            mask: Mask::new(header.mask.unwrap_or_default()),
            rest,
            room: self.limits.inflated_frame(rest),
        })
    }

    fn control(&mut self, opcode: Control, input: &mut &mut [u8]) -> Result<Decoded, Error> {
        let Some(frame) = &mut self.frame else { return Ok(Decoded::Progress) };
        let piece = arrived(frame, input);
        frame.mask.apply(piece);
        let message = if frame.rest == 0 && self.control.is_none() {
            control_message(opcode, piece)?
        } else {
            let control = self
                .control
                .get_or_insert_with(|| Box::new(ControlPayload { bytes: [0; MAX_CONTROL], len: 0 }));
            let start = usize::from(control.len);
            control.bytes[start..start + piece.len()].copy_from_slice(piece);
            control.len += piece.len() as u8;
            if frame.rest > 0 {
                return Ok(Decoded::Starved);
            }
            control_message(opcode, &control.bytes[..usize::from(control.len)])?
        };
        self.frame = None;
        self.control = None;
        Ok(Decoded::Message(message))
    }

    fn plain(&mut self, kind: MessageKind, input: &mut &mut [u8]) -> Result<Decoded, Error> {
        let assembled = self.assembled();
        let Some(frame) = &mut self.frame else { return Ok(Decoded::Progress) };
        let outlook = match self.in_pieces {
            true => Outlook::of_piece(assembled + at_hand(frame, input)),
            false => outlook(&self.limits, assembled, frame),
        };
        let piece = arrived(frame, input);
        frame.mask.apply(piece);
        if frame.rest == 0 && frame.is_final && self.message.is_none() {
            self.frame = None;
            self.open = None;
            return whole::message(kind, piece, input);
        }
        if !piece.is_empty() {
            let message = self.message.get_or_insert_with(|| Box::new(Assembler::new(kind)));
            message.push(piece, outlook)?;
        }
        if self.in_pieces {
            let is_over = frame.rest == 0;
            let nothing = if is_over { Decoded::Progress } else { Decoded::Starved };
            return Ok(self.piece(is_over)?.map_or(nothing, Decoded::Message));
        }
        if frame.rest > 0 { Ok(Decoded::Starved) } else { self.end_frame() }
    }

    /// Handles the end of a frame's payload.
    fn end_frame(&mut self) -> Result<Decoded, Error> {
        if self.frame.take().is_none_or(|frame| !frame.is_final) {
            return Ok(Decoded::Progress);
        }
        let Some(open) = self.open.take() else { return Ok(Decoded::Progress) };
        let message = match self.message.take() {
            Some(message) => message.finish()?,
            None => open.kind.message(&[])?,
        };
        Ok(Decoded::Message(message))
    }
}

/// Takes the available part of a frame's payload.
fn arrived<'a>(frame: &mut Frame, input: &mut &'a mut [u8]) -> &'a mut [u8] {
    let len = at_hand(frame, input);
    frame.rest -= len as u64;
    input::take(input, len)
}

/// Returns the number of available bytes of a frame's payload.
fn at_hand(frame: &Frame, input: &[u8]) -> usize {
    usize::try_from(frame.rest).map_or(input.len(), |rest| rest.min(input.len()))
}

/// Returns the size that an uncompressed message may reach. `assembled` bytes of it have arrived,
/// and the rest of `frame` follows.
fn outlook(limits: &Limits, assembled: usize, frame: &Frame) -> Outlook {
    // Without a limit, this may be more than a `usize` of 32 bits can count.
    let announced = assembled.saturating_add(usize::try_from(frame.rest).unwrap_or(usize::MAX));
    Outlook { announced, max: if frame.is_final { announced } else { limits.max_message_size } }
}

fn control_message(opcode: Control, payload: &[u8]) -> Result<Message, Error> {
    Ok(match opcode {
        Control::Close => Message::Close(close::parse(payload)?),
        Control::Ping => Message::Ping(payload.to_vec().into()),
        Control::Pong | Control::Reserved(_) => Message::Pong(payload.to_vec().into()),
    })
}

#[cfg(test)]
mod tests;
