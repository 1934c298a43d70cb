//! Where a stream of frames stands, and what of it is handed on.

use std::{io::Cursor, mem};

use bytes::Buf;
use tokio::io::ReadBuf;
use tungstenite::{
    Message,
    protocol::frame::{
        FrameHeader,
        coding::{Data, OpCode},
    },
};

use crate::deflate::{Halt, Inbound};

/// The longest frame header (RFC 6455 §5.2): 2 bytes, 8 of length, 4 of mask.
const MAX_HEADER: usize = 14;

/// tungstenite allocates a frame's payload when it sees the header. For more than this it has to see the payload.
const MAX_TRUSTED: u64 = 1024 * 1024;

/// Hands a stream of frames on to tungstenite, and knows at each byte where in it that is.
///
/// Every frame passes unchanged but one: a text frame of which only a part is there. It goes on as fragments, each
/// as large as what is there and masked with the same key turned to match, since tungstenite checks the UTF-8 of
/// fragments as they come, but of a whole frame only at its end, and bad UTF-8 is to fail at once (RFC 6455 §8.1).
/// So does a binary frame of more than 1 MiB, or a header alone would cost that much memory. Compressed messages are
/// inflated on the way, where that was agreed on.
///
/// What tungstenite refuses (reserved bits and opcodes, no mask, too large) is left for it to refuse.
#[derive(Debug)]
pub(super) struct Frames {
    /// The part of a header whose other bytes are still to come.
    partial: Header,
    /// A header on its way out, before anything else.
    leaving: Header,
    /// How much of a payload is still to pass.
    passing: u64,
    /// The rest of a text frame that goes on in fragments.
    split: Option<Split>,
    /// Whether a message is still to be continued, and if so, whether it is text.
    open: Option<bool>,
    /// A header made no sense: tungstenite is about to fail the connection.
    lost: bool,
    max_frame_size: u64,
    inbound: Inbound,
}

#[derive(Debug, Default)]
struct Header {
    bytes: [u8; MAX_HEADER],
    len: u8,
}

#[derive(Debug)]
struct Split {
    opcode: OpCode,
    mask: [u8; 4],
    rest: u64,
    is_final: bool,
}

impl Frames {
    pub(super) fn new(max_frame_size: usize, inbound: Inbound) -> Self {
        Self {
            partial: Header::default(),
            leaving: Header::default(),
            passing: 0,
            split: None,
            open: None,
            lost: false,
            max_frame_size: max_frame_size as u64,
            inbound,
        }
    }

    /// Whether the last byte handed on was the last of a message, and no part of another is held back.
    pub(super) fn at_rest(&self) -> bool {
        self.is_between_frames() && self.open.is_none() && !self.lost
    }

    fn is_between_frames(&self) -> bool {
        self.passing == 0
            && self.leaving.len == 0
            && self.partial.len == 0
            && self.split.is_none()
            && !self.inbound.is_busy()
    }

    /// Whether something is on its way out, for which there was no room.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving.len > 0 || self.inbound.is_busy()
    }

    /// Why nothing was handed on though there is room, and perhaps input.
    pub(super) fn halt(&mut self) -> Option<Halt> {
        self.inbound.halt()
    }

    /// Takes the message at the start of `input`, if it is compressed and all there, and inflates to no more than `max`
    /// bytes. What it took of anything else goes on with [`pass`](Self::pass). Only to be called at rest.
    pub(super) fn take_compressed(&mut self, input: &mut &[u8], max: usize) -> Option<Message> {
        if !self.inbound.is_on() || !matches!(input.first(), Some(0xc1 | 0xc2)) {
            return None;
        }
        self.begin(input);
        if !self.inbound.is_busy() {
            return None;
        }
        let (header, payload) = self.inbound.inflate(input)?;
        let message = self.inbound.take(&header, max);
        if message.is_none() {
            self.leaving.set(&header, payload);
        }
        message
    }

    /// Hands on from `input` to `output`, until either is used up, but no further than to the end of a frame: what
    /// comes after it may be taken in another way. Or until there is a [`halt`](Self::halt).
    pub(super) fn pass(&mut self, input: &mut &[u8], output: &mut ReadBuf<'_>) {
        let before = output.filled().len();
        while output.remaining() > 0 && !(self.is_between_frames() && output.filled().len() > before) {
            if self.leaving.len > 0 {
                self.leaving.write(output);
            } else if self.inbound.is_busy() {
                if !self.inbound.write(output) {
                    let Some((header, payload)) = self.inbound.inflate(input) else { return };
                    self.leaving.set(&header, payload);
                }
            } else if input.is_empty() {
                return;
            } else if self.passing > 0 {
                let there = input.len().min(output.remaining());
                let n = usize::try_from(self.passing).map_or(there, |passing| there.min(passing));
                output.put_slice(&input[..n]);
                input.advance(n);
                self.passing -= n as u64;
            } else if self.split.is_some() {
                self.fragment(input.len() as u64);
            } else if self.lost {
                self.passing = u64::MAX;
            } else {
                self.begin(input);
            }
        }
    }

    /// Takes the next header, or what there is of it.
    fn begin(&mut self, input: &mut &[u8]) {
        let held = usize::from(self.partial.len);
        let taken = input.len().min(MAX_HEADER - held);
        self.partial.bytes[held..held + taken].copy_from_slice(&input[..taken]);
        let mut cursor = Cursor::new(&self.partial.bytes[..held + taken]);
        match FrameHeader::parse(&mut cursor) {
            Ok(Some((header, payload))) => {
                let len = cursor.position() as u8;
                // A header is longer than any part of it that was not enough, so `len > held`.
                input.advance(usize::from(len) - held);
                self.frame(&header, payload, len, input.len() as u64);
                self.partial.len = 0;
            }
            Ok(None) => {
                input.advance(taken);
                self.partial.len += taken as u8;
            }
            Err(_) => {
                self.lost = true;
                input.advance(taken);
                self.leaving = mem::take(&mut self.partial);
                self.leaving.len = (held + taken) as u8;
            }
        }
    }

    /// Starts on a frame whose header is in `partial`, and of whose payload `there` bytes have arrived.
    fn frame(&mut self, header: &FrameHeader, payload: u64, len: u8, there: u64) {
        let is_text = match header.opcode {
            OpCode::Data(Data::Continue) => self.open == Some(true),
            OpCode::Data(data) => data == Data::Text,
            OpCode::Control(_) => false,
        };
        if payload <= self.max_frame_size && self.inbound.takes(header, self.open.is_some()) {
            self.open = (!header.is_final).then_some(is_text);
            self.inbound.begin(header, payload);
            return;
        }
        let is_data = matches!(header.opcode, OpCode::Data(_));
        if is_data {
            self.open = (!header.is_final).then_some(is_text);
        }
        let is_plain = !(header.rsv1 || header.rsv2 || header.rsv3);
        match header.mask {
            Some(mask)
                if is_plain
                    && there < payload
                    && payload <= self.max_frame_size
                    && (is_text || is_data && payload > MAX_TRUSTED) =>
            {
                let (opcode, is_final) = (header.opcode, header.is_final);
                self.split = Some(Split { opcode, mask, rest: payload, is_final });
            }
            _ => {
                self.leaving = mem::take(&mut self.partial);
                self.leaving.len = len;
                self.passing = payload;
            }
        }
    }

    /// Makes the next fragment of a split frame, of the `there` bytes that have arrived.
    fn fragment(&mut self, there: u64) {
        let Some(mut split) = self.split.take() else { return };
        let piece = there.min(split.rest);
        split.rest -= piece;
        let header = FrameHeader {
            is_final: split.is_final && split.rest == 0,
            opcode: split.opcode,
            mask: Some(split.mask),
            ..FrameHeader::default()
        };
        self.leaving.set(&header, piece);
        self.passing = piece;
        if split.rest > 0 {
            split.opcode = OpCode::Data(Data::Continue);
            split.mask.rotate_left((piece % 4) as usize);
            self.split = Some(split);
        }
    }
}

impl Header {
    fn set(&mut self, header: &FrameHeader, payload: u64) {
        let mut rest = &mut self.bytes[..];
        header.format(payload, &mut rest).expect("a header fits into MAX_HEADER bytes");
        self.len = (MAX_HEADER - rest.len()) as u8;
    }

    /// Moves as much as fits to `output`.
    fn write(&mut self, output: &mut ReadBuf<'_>) {
        let len = usize::from(self.len);
        let n = len.min(output.remaining());
        output.put_slice(&self.bytes[..n]);
        self.bytes.copy_within(n..len, 0);
        self.len -= n as u8;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::ReadBuf;

    use super::Frames;
    use crate::deflate::Agreed;

    /// Without compression.
    fn frames(max_frame_size: usize) -> Frames {
        Frames::new(max_frame_size, Agreed::default().inbound(max_frame_size))
    }

    const MASK: [u8; 4] = [1, 2, 3, 4];

    /// How many places in a row are tried as one: Miri is slow.
    const STEP: usize = if cfg!(miri) { 61 } else { 1 };

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            len @ 0..=125 => frame.push(0x80 | len as u8),
            len @ 126..=0xffff => {
                frame.push(0x80 | 126);
                frame.extend((len as u16).to_be_bytes());
            }
            len => {
                frame.push(0x80 | 127);
                frame.extend((len as u64).to_be_bytes());
            }
        }
        frame.extend(MASK);
        frame.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ MASK[i % 4]));
        frame
    }

    /// What comes out when `pieces` go in one after the other, `room` bytes at a time.
    fn pass(frames: &mut Frames, pieces: &[&[u8]], room: usize) -> Vec<u8> {
        let mut passed = Vec::new();
        for mut piece in pieces.iter().copied() {
            loop {
                let mut output = vec![0; room];
                let mut output = ReadBuf::new(&mut output);
                frames.pass(&mut piece, &mut output);
                passed.extend_from_slice(output.filled());
                if output.filled().is_empty() {
                    assert!(piece.is_empty());
                    break;
                }
            }
        }
        passed
    }

    /// A parser of its own: `(first byte, unmasked payload)` of each frame.
    fn parse(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut frames = Vec::new();
        while !bytes.is_empty() {
            let (first, second) = (bytes[0], bytes[1]);
            assert_eq!(second & 0x80, 0x80, "masked");
            let (len, header) = match second & 0x7f {
                126 => (u16::from_be_bytes([bytes[2], bytes[3]]).into(), 4),
                127 => (u64::from_be_bytes(bytes[2..10].try_into().unwrap()) as usize, 10),
                len => (usize::from(len), 2),
            };
            let mask = &bytes[header..header + 4];
            let payload = &bytes[header + 4..header + 4 + len];
            frames.push((first, payload.iter().enumerate().map(|(i, b)| b ^ mask[i % 4]).collect()));
            bytes = &bytes[header + 4 + len..];
        }
        frames
    }

    #[test]
    fn whole_frames_and_binary_pass_unchanged_however_they_arrive() {
        let stream = [
            frame(0x81, b"whole"),
            frame(0x89, b"ping"),
            frame(0x02, &[7; 300]),
            frame(0x8a, b""),
            frame(0x80, &[8; 70_000 / STEP]),
            frame(0x81, b""),
        ]
        .concat();
        for room in [1, 7, 1024, 100_000] {
            let mut frames = frames(1 << 20);
            assert_eq!(pass(&mut frames, &[&stream], room), stream);
            assert!(frames.at_rest());
        }
        let binary = frame(0x82, &[9; 1000]);
        for split in (0..binary.len()).step_by(STEP) {
            let mut frames = frames(1 << 20);
            assert_eq!(pass(&mut frames, &[&binary[..split], &binary[split..]], 64), binary);
            assert!(frames.at_rest());
        }
    }

    #[test]
    fn a_text_frame_in_pieces_goes_on_as_fragments_of_the_same_text() {
        let text: Vec<u8> = (0..=255).collect();
        let whole = frame(0x81, &text);
        for first in (0..whole.len()).step_by(STEP) {
            for second in [first, first + 1, first + 2, first + 5, whole.len()] {
                let second = second.min(whole.len());
                let pieces = [&whole[..first], &whole[first..second], &whole[second..]];
                let mut frames = frames(1 << 20);
                let passed = parse(&pass(&mut frames, &pieces, 50));
                assert!(frames.at_rest());
                let joined: Vec<u8> = passed.iter().flat_map(|(_, p)| p.clone()).collect();
                assert_eq!(joined, text);
                let firsts: Vec<u8> = passed.iter().map(|(first, _)| *first).collect();
                match firsts.len() {
                    1 => assert_eq!(firsts, [0x81]),
                    2 => assert_eq!(firsts, [0x01, 0x80]),
                    _ => assert_eq!(firsts, [0x01, 0x00, 0x80]),
                }
            }
        }
    }

    #[test]
    fn a_fragment_of_text_in_pieces_keeps_its_place() {
        let stream = [frame(0x01, b"hello"), frame(0x89, b"p"), frame(0x80, b" world")].concat();
        let mut frames = frames(1 << 20);
        let (first, second) = stream.split_at(stream.len() - 3);
        let passed = parse(&pass(&mut frames, &[first, second], 1024));
        let expected: [(u8, &[u8]); 4] = [(0x01, b"hello"), (0x89, b"p"), (0x00, b" wo"), (0x80, b"rld")];
        assert_eq!(passed.len(), expected.len());
        for (passed, expected) in passed.iter().zip(expected) {
            assert_eq!((passed.0, &passed.1[..]), expected);
        }
        assert!(frames.at_rest());
    }

    #[test]
    fn what_tungstenite_refuses_passes_for_it_to_refuse() {
        let mut unmasked = vec![0x81, 5];
        unmasked.extend(b"hello");
        let cases = [
            frame(0xc1, b"rsv1"),
            frame(0x91, b"rsv3"),
            frame(0x83, b"reserved opcode"),
            unmasked,
            frame(0x81, &[b'x'; 11]),
        ];
        for case in cases {
            for split in 0..case.len() {
                let mut frames = frames(10);
                let passed = pass(&mut frames, &[&case[..split], &case[split..]], 1024);
                assert_eq!(passed, case, "cut at {split}");
            }
        }
    }

    #[test]
    fn the_middle_of_a_message_is_no_rest() {
        let mut frames = frames(1 << 20);
        assert!(frames.at_rest());
        pass(&mut frames, &[&frame(0x01, b"a")], 64);
        assert!(!frames.at_rest());
        pass(&mut frames, &[&frame(0x89, b"p")], 64);
        assert!(!frames.at_rest());
        pass(&mut frames, &[&frame(0x80, b"b")], 64);
        assert!(frames.at_rest());
        pass(&mut frames, &[&frame(0x81, b"c")[..1]], 64);
        assert!(!frames.at_rest());
    }
}
