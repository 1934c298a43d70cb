//! The content of messages.

use std::sync::OnceLock;

use crate::rng::Rng;

/// The number of bytes of each kind.
const ROOM: usize = 1 << 20;

/// Returns a text of about `len` bytes, which compresses like prose. Some of its characters have
/// several bytes.
pub(crate) fn text(rng: &mut Rng, len: usize) -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    let all = TEXT.get_or_init(|| {
        const WORDS: [&str; 12] = [
            "the ",
            "socket ",
            "says ",
            "καλημέρα ",
            "and ",
            "naïve ",
            "weather ",
            "😀 ",
            "of ",
            "123 ",
            "noon, ",
            "öfter ",
        ];
        let mut rng = Rng::new(1, 0);
        let mut text = String::with_capacity(ROOM + 32);
        while text.len() < ROOM {
            text.push_str(rng.pick(&WORDS));
        }
        text
    });
    let start = all.ceil_char_boundary_at(rng.below(ROOM - len));
    &all[start..all.ceil_char_boundary_at(start + len)]
}

/// Returns bytes. Half of them are incompressible.
pub(crate) fn bytes(rng: &mut Rng, len: usize) -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    let all = BYTES.get_or_init(|| {
        let mut rng = Rng::new(2, 0);
        let mut noise = || {
            let word = rng.next();
            if (word >> 8) & 1 == 0 { [word as u8; 8] } else { word.to_be_bytes() }
        };
        (0..ROOM / 8).flat_map(|_| noise()).collect()
    });
    let start = rng.below(ROOM - len);
    &all[start..start + len]
}

trait CharBoundary {
    fn ceil_char_boundary_at(&self, index: usize) -> usize;
}

impl CharBoundary for String {
    /// Returns the first character boundary at or after this index.
    fn ceil_char_boundary_at(&self, index: usize) -> usize {
        (index..).find(|index| self.is_char_boundary(*index)).unwrap_or(self.len())
    }
}
