//! Masking (RFC 6455 §5.3).

/// A masking key in the byte order of a header.
pub(crate) type Key = [u8; KEY_LEN];

pub(super) const KEY_LEN: usize = 4;

/// A frame's masking key, rotated so that it begins with the byte for the next byte of the payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mask(u32);

impl Mask {
    pub(super) fn new(key: Key) -> Self {
        Self(u32::from_le_bytes(key))
    }

    /// Masks or unmasks the next bytes of a payload.
    pub(super) fn apply(&mut self, payload: &mut [u8]) {
        // The compiler turns this into vector instructions.
        let key = u64::from(self.0) << 32 | u64::from(self.0);
        let len = payload.len();
        let mut words = payload.chunks_exact_mut(8);
        for word in &mut words {
            if let Some(bytes) = word.first_chunk_mut() {
                *bytes = (u64::from_le_bytes(*bytes) ^ key).to_le_bytes();
            }
        }
        for (byte, key) in words.into_remainder().iter_mut().zip(key.to_le_bytes()) {
            *byte ^= key;
        }
        self.0 = key.rotate_right(8 * (len % 4) as u32) as u32;
    }
}

#[cfg(test)]
mod tests;
