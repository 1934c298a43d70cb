//! Messages taken straight from what was read.

use bytes::Bytes;
use tungstenite::Message;

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

/// Masks or unmasks (RFC 6455 §5.3), eight bytes at a time.
fn apply_mask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut chunks = payload.chunks_exact_mut(8);
    for chunk in &mut chunks {
        if let Some(chunk) = chunk.first_chunk_mut() {
            *chunk = (u64::from_ne_bytes(*chunk) ^ wide).to_ne_bytes();
        }
    }
    for (byte, mask) in chunks.into_remainder().iter_mut().zip([a, b, c, d, a, b, c]) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use tungstenite::Message;

    use super::{apply_mask, take};

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
        for len in [0, 1, 7, 8, 9, 125, 126, 1000, 0xffff] {
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
    fn a_mask_applied_twice_is_no_mask() {
        for len in 0..40 {
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
