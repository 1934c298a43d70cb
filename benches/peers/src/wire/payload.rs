//! The payload of messages.

use super::Opcode;

/// A kind of content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Payload {
    Binary,
    /// Text of one-byte letters.
    Ascii,
    /// Text of letters of two and three bytes, as in a chat that is not in a Latin script.
    Letters,
    /// Text of JSON, quotes of shares.
    Json,
}

impl Payload {
    pub(crate) fn opcode(self) -> Opcode {
        if self == Self::Binary { Opcode::Binary } else { Opcode::Text }
    }

    /// Returns `size` bytes, the same for the same `nth`.
    pub(crate) fn bytes(self, size: usize, nth: u32) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(size + 4);
        let mut state = 0x9e37_79b9_7f4a_7c15 ^ (u64::from(nth) << 17);
        if self == Self::Json {
            return json(size, &mut state);
        }
        while bytes.len() < size {
            let letter = match self {
                Self::Letters if size - bytes.len() >= 3 => letter(random(&mut state), random(&mut state)),
                _ => (b' ' + (random(&mut state) % 95) as u8).into(),
            };
            bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        }
        bytes
    }
}

fn letter(kind: u64, which: u64) -> char {
    let code = match kind % 8 {
        0 => 0x20,
        1..=3 => 0x430 + which as u32 % 32,
        _ => 0x3042 + which as u32 % 60,
    };
    char::from_u32(code).expect("no surrogate")
}

/// Returns an array of objects, cut off at the size.
fn json(size: usize, state: &mut u64) -> Vec<u8> {
    let mut json = String::from("[");
    while json.len() < size {
        let symbol = ["AAPL", "MSFT", "GOOG", "NVDA"][random(state) as usize % 4];
        let side = if random(state).is_multiple_of(2) { "buy" } else { "sell" };
        let [id, cents, quantity] = [100_000, 100_000, 5000].map(|below| random(state) % below);
        let (units, cents) = (cents / 100, cents % 100);
        json += &format!(
            r#"{{"id":{id},"symbol":"{symbol}","price":{units}.{cents:02},"qty":{quantity},"side":"{side}"}},"#
        );
    }
    json.truncate(size - 1);
    json.push(']');
    json.into_bytes()
}

/// Xorshift.
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}
