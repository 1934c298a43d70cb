//! Messages that contain their connection, their sequence number, a request to the other side, and
//! a checksum.

/// A message's request to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Nothing,
    /// Send this number of messages of about this size, uncompressed if they are `raw`.
    Send {
        count: u8,
        size: u32,
        is_text: bool,
        is_raw: bool,
    },
    /// Send a ping.
    Ping,
    /// Read nothing for this number of milliseconds.
    Nap(u32),
    /// Close with this code.
    Close(u16),
    /// Return from the handler.
    Return,
    /// Panic in the handler.
    Panic,
}

/// The length of the head before the content, in bytes. In text it is twice as long.
const HEAD: usize = 32;

/// Returns a message's payload.
pub(crate) fn encode(id: u64, seq: u64, ask: Ask, is_text: bool, filling: &[u8]) -> Vec<u8> {
    let (kind, count, flags, value) = match ask {
        Ask::Nothing => (0, 0, 0, 0),
        Ask::Send { count, size, is_text, is_raw } => {
            (1, count, u8::from(is_text) | u8::from(is_raw) << 1, size)
        }
        Ask::Ping => (2, 0, 0, 0),
        Ask::Nap(millis) => (3, 0, 0, millis),
        Ask::Close(code) => (4, 0, 0, code.into()),
        Ask::Return => (5, 0, 0, 0),
        Ask::Panic => (6, 0, 0, 0),
    };
    let mut head = [0; HEAD];
    head[8..16].copy_from_slice(&id.to_be_bytes());
    head[16..24].copy_from_slice(&seq.to_be_bytes());
    head[24..27].copy_from_slice(&[kind, count, flags]);
    head[28..].copy_from_slice(&value.to_be_bytes());
    let sum = checksum(&head[8..], filling);
    head[..8].copy_from_slice(&sum.to_be_bytes());
    let mut payload = Vec::with_capacity(2 * HEAD + filling.len());
    if is_text {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        payload.extend(head.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|n| DIGITS[usize::from(n)]));
    } else {
        payload.extend(head);
    }
    payload.extend(filling);
    payload
}

/// Returns the request of a message, if the message is whole and the one numbered `seq` of `id`.
pub(crate) fn decode(id: u64, seq: u64, is_text: bool, payload: &[u8]) -> Result<Ask, String> {
    let len = if is_text { 2 * HEAD } else { HEAD };
    let (start, filling) = payload.split_at_checked(len).ok_or_else(|| format!("{} bytes", payload.len()))?;
    let mut head = [0; HEAD];
    if is_text {
        let digit = |digit: u8| char::from(digit).to_digit(16).map(|n| n as u8);
        for (byte, digits) in head.iter_mut().zip(start.chunks(2)) {
            let [Some(high), Some(low)] = [digit(digits[0]), digit(digits[1])] else {
                return Err("no hexadecimal digit".to_owned());
            };
            *byte = high << 4 | low;
        }
    } else {
        head.copy_from_slice(start);
    }
    let word = |at: usize| u64::from_be_bytes(std::array::from_fn(|i| head[at + i]));
    if (word(8), word(16)) != (id, seq) {
        return Err(format!("message {} of {}, where {seq} of {id} was due", word(16), word(8)));
    }
    if word(0) != checksum(&head[8..], filling) {
        return Err(format!("the checksum of message {seq} of {id}, {} bytes, is wrong", payload.len()));
    }
    let value = u32::from_be_bytes(std::array::from_fn(|i| head[28 + i]));
    Ok(match head[24] {
        0 => Ask::Nothing,
        1 => {
            let flags = head[26];
            Ask::Send { count: head[25], size: value, is_text: flags & 1 > 0, is_raw: flags & 2 > 0 }
        }
        2 => Ask::Ping,
        3 => Ask::Nap(value),
        4 => Ask::Close(value as u16),
        5 => Ask::Return,
        6 => Ask::Panic,
        kind => return Err(format!("an ask of kind {kind}")),
    })
}

/// Every bit of both counts, and its position.
fn checksum(head: &[u8], filling: &[u8]) -> u64 {
    let mut sum = filling.len() as u64 ^ 0x9ae1_6a3b_2f90_404f;
    for part in [head, filling] {
        for chunk in part.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            sum = (sum ^ u64::from_le_bytes(word)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29);
        }
    }
    sum ^ (sum >> 32)
}

#[cfg(test)]
mod tests {
    use super::{Ask, decode, encode};

    #[test]
    fn encoded_message_is_decoded_and_each_change_is_detected() {
        let send = Ask::Send { count: 3, size: 70_000, is_text: true, is_raw: true };
        for ask in [Ask::Nothing, send, Ask::Ping, Ask::Nap(7), Ask::Close(4000), Ask::Return, Ask::Panic] {
            for is_text in [false, true] {
                let payload = encode(5, 6, ask, is_text, b"the filling");
                assert_eq!(decode(5, 6, is_text, &payload), Ok(ask));
                assert!(decode(5, 7, is_text, &payload).is_err());
                for at in 0..payload.len() {
                    let mut changed = payload.clone();
                    changed[at] ^= 1;
                    assert!(decode(5, 6, is_text, &changed).is_err(), "{at}");
                }
                assert!(decode(5, 6, is_text, &payload[..payload.len() - 1]).is_err());
            }
        }
    }
}
