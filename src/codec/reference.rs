//! The frames of a client, and an independent reader for them. It is simple and slow, and reads
//! only complete streams.
//!
//! This does not use `tests/raw_client`, because the unit tests are part of the published package,
//! which does not contain that crate.

use tungstenite::{
    Message,
    protocol::{
        CloseFrame,
        frame::coding::{Data, OpCode},
    },
};

use super::{Decoded, Decoder, Limits};
use crate::close::{CloseCode, close_code_of, is_valid_close_code};

pub(super) const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Returns a frame of a client, with the shortest encoding of the length.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(first, payload.len() as u64);
    frame.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ MASK[i % 4]));
    frame
}

/// Returns the header of a frame of a client.
pub(super) fn header(first: u8, payload: u64) -> Vec<u8> {
    let mut header = vec![first];
    match payload {
        len @ 0..=125 => header.push(0x80 | len as u8),
        len @ 126..=0xffff => {
            header.push(0x80 | 126);
            header.extend((len as u16).to_be_bytes());
        }
        len => {
            header.push(0x80 | 127);
            header.extend(len.to_be_bytes());
        }
    }
    header.extend(MASK);
    header
}

/// Returns a frame of a server, with the shortest encoding of the length.
pub(super) fn server_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = header(first, payload.len() as u64);
    frame[1] &= 0x7f;
    frame.truncate(frame.len() - MASK.len());
    frame.extend(payload);
    frame
}

/// The result of decoding a stream of frames.
#[derive(Debug, PartialEq)]
pub(super) struct Outcome {
    pub(super) messages: Vec<Message>,
    /// The close code of the error, if decoding failed.
    pub(super) code: Option<u16>,
    /// The number of bytes that were taken before decoding failed.
    pub(super) taken: usize,
    pub(super) is_at_rest: bool,
}

/// Decodes pieces that arrive one after the other.
pub(super) fn decode<'a>(decoder: &mut Decoder, pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut outcome = Outcome { messages: Vec::new(), code: None, taken: 0, is_at_rest: false };
    'pieces: for piece in pieces {
        let mut piece = piece.to_vec();
        let mut input = &mut piece[..];
        let len = input.len();
        // Detects steps without progress.
        for steps in 0.. {
            assert!(steps <= 4 * len + 8, "decoding does not end");
            match decoder.decode(&mut input) {
                Ok(Decoded::Message(message)) => outcome.messages.push(message),
                Ok(Decoded::Last(len)) => {
                    outcome.messages.push(Message::binary(piece[piece.len() - len..].to_vec()));
                    input = &mut [];
                }
                Ok(Decoded::Progress) => {}
                Ok(Decoded::Starved) => {
                    assert!(input.is_empty());
                    break;
                }
                Err(error) => {
                    outcome.taken += len - input.len();
                    outcome.code = close_code_of(&error).map(CloseCode::as_u16);
                    assert!(outcome.code.is_some(), "{error}");
                    break 'pieces;
                }
            }
        }
        outcome.taken += len;
    }
    outcome.is_at_rest = outcome.code.is_none() && decoder.is_at_rest();
    outcome
}

/// Joins pieces to messages. Control messages keep their place between the ends of messages.
pub(super) fn joined(messages: Vec<Message>) -> Vec<Message> {
    let (mut joined, mut open) = (Vec::new(), None);
    for message in messages {
        let Message::Frame(piece) = message else {
            assert!(open.is_none() || !(message.is_text() || message.is_binary()));
            joined.push(message);
            continue;
        };
        let is_last = piece.header().is_final;
        assert!(is_last || !piece.payload().is_empty(), "a piece of nothing");
        let opcode = piece.header().opcode;
        let payload = piece.into_payload();
        let (kind, mut bytes) = match opcode {
            OpCode::Data(Data::Continue) => open.take().expect("a message that was begun"),
            kind => {
                assert!(open.is_none(), "a message within another");
                (kind, Vec::new())
            }
        };
        if kind == OpCode::Data(Data::Text) {
            assert!(std::str::from_utf8(&payload).is_ok(), "a character is cut");
        }
        bytes.extend_from_slice(&payload);
        match (is_last, kind) {
            (false, _) => open = Some((kind, bytes)),
            (true, OpCode::Data(Data::Text)) => joined.push(Message::text(String::from_utf8(bytes).unwrap())),
            (true, _) => joined.push(Message::binary(bytes)),
        }
    }
    joined
}

/// Reads a whole stream of uncompressed frames. `taken` is not set.
pub(super) fn read(mut bytes: &[u8], limits: Limits) -> Outcome {
    let mut outcome = Outcome { messages: Vec::new(), code: None, taken: 0, is_at_rest: true };
    let mut open: Option<(u8, Vec<u8>)> = None;
    while !bytes.is_empty() {
        match read_frame(&mut bytes, &mut open, limits) {
            Ok(Some(message)) => outcome.messages.extend(message),
            Ok(None) => {
                outcome.is_at_rest = false;
                return outcome;
            }
            Err(code) => {
                outcome.code = Some(code);
                outcome.is_at_rest = false;
                return outcome;
            }
        }
    }
    outcome.is_at_rest = open.is_none();
    outcome
}

/// Returns `None` if the stream ends within the frame, which is valid so far.
fn read_frame(
    bytes: &mut &[u8],
    open: &mut Option<(u8, Vec<u8>)>,
    limits: Limits,
) -> Result<Option<Option<Message>>, u16> {
    let first = bytes[0];
    let (opcode, is_final) = (first & 0x0f, first & 0x80 != 0);
    let is_control = opcode >= 8;
    if first & 0x70 != 0
        || !matches!(opcode, 0..=2 | 8..=10)
        || is_control && !is_final
        || opcode == 0 && open.is_none()
        || matches!(opcode, 1 | 2) && open.is_some()
    {
        return Err(1002);
    }
    let Some(second) = bytes.get(1) else { return Ok(None) };
    if second & 0x80 == 0 || is_control && second & 0x7f > 125 {
        return Err(1002);
    }
    let extended = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    if extended == 8 && bytes.get(2).is_some_and(|byte| *byte >= 0x80) {
        return Err(1002);
    }
    let Some(len) = bytes.get(2..2 + extended) else { return Ok(None) };
    let len = len.iter().fold(0_u64, |len, byte| len << 8 | u64::from(*byte));
    let len = if extended == 0 { u64::from(second & 0x7f) } else { len };
    let assembled = open.as_ref().map_or(0, |(_, assembled)| assembled.len() as u64);
    if !is_control && (len > limits.max_frame_size as u64 || assembled + len > limits.max_message_size as u64)
    {
        return Err(1009);
    }
    let start = 2 + extended;
    let Some(mask) = bytes.get(start..start + 4) else { return Ok(None) };
    let there = &bytes[start + 4..];
    let is_whole = there.len() as u64 >= len;
    let there = if is_whole { &there[..len as usize] } else { there };
    let payload: Vec<_> = there.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
    *bytes = &bytes[start + 4 + there.len()..];
    if is_control {
        return if is_whole { control(opcode, payload).map(|message| Some(Some(message))) } else { Ok(None) };
    }
    let (kind, mut assembled) = open.take().unwrap_or((opcode, Vec::new()));
    assembled.extend(payload);
    let is_over = is_final && is_whole;
    if kind == 1 {
        if let Err(error) = std::str::from_utf8(&assembled) {
            if is_over || error.error_len().is_some() {
                return Err(1007);
            }
        }
    }
    if !is_over {
        *open = Some((kind, assembled));
        return Ok(is_whole.then_some(None));
    }
    Ok(Some(Some(if kind == 1 {
        Message::text(String::from_utf8(assembled).map_err(|_| 1007_u16)?)
    } else {
        Message::binary(assembled)
    })))
}

fn control(opcode: u8, payload: Vec<u8>) -> Result<Message, u16> {
    match (opcode, &payload[..]) {
        (9, _) => Ok(Message::Ping(payload.into())),
        (10, _) => Ok(Message::Pong(payload.into())),
        (_, []) => Ok(Message::Close(None)),
        (_, [high, low, reason @ ..]) => {
            let code = u16::from_be_bytes([*high, *low]);
            if !is_valid_close_code(code) {
                return Err(1002);
            }
            let reason = std::str::from_utf8(reason).map_err(|_| 1007_u16)?;
            Ok(Message::Close(Some(CloseFrame { code: code.into(), reason: reason.into() })))
        }
        (_, [_]) => Err(1002),
    }
}

/// Returns the unmasked frames of a client: the first byte, the payload and the masking key of
/// each.
pub(super) fn client_frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>, [u8; 4])> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        let mut header = bytes[..bytes.len().min(14)].to_vec();
        assert!(header[1] >= 0x80, "a client masks");
        header[1] &= 0x7f;
        let (start, len) = extent(&header);
        let key: [u8; 4] = bytes[start..start + 4].try_into().unwrap();
        let masked = &bytes[start + 4..start + 4 + len];
        frames.push((
            bytes[0],
            masked.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect(),
            key,
        ));
        bytes = &bytes[start + 4 + len..];
    }
    frames
}

/// Returns the frames of a server: the first byte and the payload of each.
pub(super) fn server_frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut frames = Vec::new();
    while !bytes.is_empty() {
        assert!(bytes[1] < 0x80, "a server does not mask");
        let (start, len) = extent(bytes);
        frames.push((bytes[0], bytes[start..start + len].to_vec()));
        bytes = &bytes[start + len..];
    }
    frames
}

/// Returns the start and the length of the payload of an unmasked frame.
fn extent(bytes: &[u8]) -> (usize, usize) {
    let (start, len) = match bytes[1] {
        127 => (10, u64::from_be_bytes(bytes[2..10].try_into().unwrap()) as usize),
        126 => (4, u16::from_be_bytes([bytes[2], bytes[3]]).into()),
        len => (2, usize::from(len)),
    };
    let is_shortest = match start {
        10 => len > 0xffff,
        4 => len > 125,
        _ => true,
    };
    assert!(is_shortest);
    (start, len)
}
