//! Ordinary messages, past tungstenite: taken straight from what was read, and put where it is written from.

use bytes::Bytes;
use tungstenite::{
    Message,
    protocol::frame::{
        Frame, FrameHeader,
        coding::{Data, OpCode},
    },
};

/// The largest header of a frame that is not masked (RFC 6455 §5.2), in bytes.
const MAX_HEADER: usize = 10;

/// Takes the message at the start of `input` if it is one whole frame of the ordinary kind, and says how many bytes
/// that is: a text or binary frame, final, masked, without reserved bits, with at most `max` bytes of payload.
///
/// Most messages are that. All else is left for tungstenite, and above all what is wrong: `input` is unchanged then.
pub(super) fn take(input: &mut [u8], max: usize) -> Option<(Message, usize)> {
    let (header, len) = match *input {
        [_, second @ 0x80..=0xfd, ..] => (6, usize::from(second & 0x7f)),
        [_, 0xfe, high, low, ..] => (8, usize::from(u16::from_be_bytes([high, low]))),
        _ => return None,
    };
    let is_text = match input[0] {
        0x81 => true,
        0x82 => false,
        _ => return None,
    };
    if len > max {
        return None;
    }
    let (header, payload) = input.get_mut(..header + len)?.split_at_mut(header);
    let mask = *header.last_chunk()?;
    apply_mask(payload, mask);
    let message = if is_text {
        let Ok(text) = simdutf8::basic::from_utf8(payload) else {
            apply_mask(payload, mask);
            return None;
        };
        Message::Text(text.into())
    } else {
        Message::Binary(Bytes::copy_from_slice(payload))
    };
    Some((message, header.len() + len))
}

/// Puts `message` behind what is in `output`, as a frame of a server, if it is a text or a binary message, compressed or
/// not, and there are no more than `max` bytes then.
pub(super) fn put(output: &mut Vec<u8>, message: &Message, max: usize) -> bool {
    let (first, payload) = match message {
        Message::Text(text) => (0x81, text.as_bytes()),
        Message::Binary(payload) => (0x82, &payload[..]),
        // A compressed message, whole.
        Message::Frame(frame) => match *frame.header() {
            FrameHeader { is_final: true, rsv1: true, rsv2: false, rsv3: false, mask: None, opcode } => {
                match opcode {
                    OpCode::Data(Data::Text) => (0xc1, frame.payload()),
                    OpCode::Data(Data::Binary) => (0xc2, frame.payload()),
                    _ => return false,
                }
            }
            _ => return false,
        },
        _ => return false,
    };
    if payload.len() > max || output.len() + MAX_HEADER + payload.len() > max {
        return false;
    }
    output.reserve(MAX_HEADER + payload.len());
    match payload.len() {
        len @ 0..=125 => output.extend_from_slice(&[first, len as u8]),
        len @ 126..=0xffff => {
            let [high, low] = (len as u16).to_be_bytes();
            output.extend_from_slice(&[first, 126, high, low]);
        }
        len => {
            output.extend_from_slice(&[first, 127]);
            output.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    output.extend_from_slice(payload);
    true
}

/// The frame that is `message`.
pub(super) fn frame(message: Message) -> Frame {
    match message {
        Message::Text(text) => Frame::message(text, OpCode::Data(Data::Text), true),
        Message::Binary(payload) => Frame::message(payload, OpCode::Data(Data::Binary), true),
        Message::Ping(payload) => Frame::ping(payload),
        Message::Pong(payload) => Frame::pong(payload),
        Message::Close(frame) => Frame::close(frame),
        Message::Frame(frame) => frame,
    }
}

/// Masks or unmasks (RFC 6455 §5.3), many bytes at a time.
fn apply_mask(payload: &mut [u8], mask: [u8; 4]) {
    let mut wide = [0; 32];
    for chunk in wide.chunks_exact_mut(4) {
        chunk.copy_from_slice(&mask);
    }
    let mut chunks = payload.chunks_exact_mut(wide.len());
    for chunk in &mut chunks {
        for (byte, mask) in chunk.iter_mut().zip(&wide) {
            *byte ^= mask;
        }
    }
    let mut chunks = chunks.into_remainder().chunks_exact_mut(4);
    for chunk in &mut chunks {
        for (byte, mask) in chunk.iter_mut().zip(&mask) {
            *byte ^= mask;
        }
    }
    for (byte, mask) in chunks.into_remainder().iter_mut().zip(&mask) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use tungstenite::Message;

    use super::{apply_mask, put, take};

    const MASK: [u8; 4] = [1, 2, 3, 4];

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

    #[test]
    fn whole_messages_are_taken() {
        // Miri is slow.
        let longest = if cfg!(miri) { 0x100 } else { 0xffff };
        for len in [0, 1, 7, 8, 9, 125, 126, 1000, longest] {
            let text = "é".repeat(len / 2);
            let mut input = frame(0x81, text.as_bytes());
            let whole = input.len();
            input.extend([0x82, 0x80]);
            assert_eq!(take(&mut input, len), Some((Message::text(text), whole)));

            let binary: Vec<u8> = (0..len).map(|i| i as u8).collect();
            let mut input = frame(0x82, &binary);
            let whole = input.len();
            assert_eq!(take(&mut input, len), Some((Message::binary(binary), whole)));
        }
    }

    #[test]
    fn all_else_is_left_as_it_is() {
        let mut unmasked = vec![0x81, 5];
        unmasked.extend(b"hello");
        let mut cases = vec![
            unmasked,
            frame(0x81, &[b'x'; 11]),
            frame(0x01, b"fragment"),
            frame(0x00, b"continued"),
            frame(0x80, b"continued"),
            frame(0xc1, b"rsv1"),
            frame(0xa2, b"rsv2"),
            frame(0x91, b"rsv3"),
            frame(0x83, b"reserved"),
            frame(0x88, &[3, 232]),
            frame(0x89, b"ping"),
            frame(0x8a, b"pong"),
            frame(0x81, &[0xff]),
            frame(0x81, "é".as_bytes().split_last().unwrap().1),
            frame(0x82, &[0; 0x10000]),
        ];
        let whole = frame(0x82, b"part");
        cases.extend((0..whole.len()).map(|end| whole[..end].to_vec()));
        for mut case in cases {
            let before = case.clone();
            assert_eq!(take(&mut case, 10), None, "{before:x?}");
            assert_eq!(case, before);
        }
    }

    #[test]
    fn what_is_put_is_a_frame_of_the_shortest_form() {
        let cases: [(usize, &[u8]); 5] = [
            (0, &[0x82, 0]),
            (125, &[0x82, 125]),
            (126, &[0x82, 126, 0, 126]),
            (0xffff, &[0x82, 126, 0xff, 0xff]),
            (0x10000, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ];
        for (len, header) in cases {
            let mut output = b"before".to_vec();
            assert!(put(&mut output, &Message::binary(vec![7; len]), usize::MAX));
            assert_eq!(output, [b"before", header, &vec![7; len]].concat());
        }
    }

    #[test]
    fn what_is_no_ordinary_message_or_too_large_is_not_put() {
        let mut output = vec![0; 50];
        for message in [
            Message::Ping("".into()),
            Message::Pong("".into()),
            Message::Close(None),
            Message::text("x".repeat(41)),
        ] {
            assert!(!put(&mut output, &message, 100), "{message:?}");
            assert_eq!(output, [0; 50]);
        }
        assert!(put(&mut output, &Message::text("x".repeat(40)), 100));
    }

    #[test]
    fn a_mask_applied_twice_is_no_mask() {
        for len in 0..100 {
            let payload: Vec<u8> = (0..len).collect();
            let mut masked = payload.clone();
            apply_mask(&mut masked, MASK);
            let expected: Vec<u8> = payload.iter().enumerate().map(|(i, byte)| byte ^ MASK[i % 4]).collect();
            assert_eq!(masked, expected);
            apply_mask(&mut masked, MASK);
            assert_eq!(masked, payload);
        }
    }
}
