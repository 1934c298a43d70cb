//! The inflated data to which a peer may still refer.

use flate2::Decompress;

/// The last bytes of the inflated messages, up to the size of the window.
///
/// Its capacity exceeds its length by at most a quarter.
#[derive(Debug)]
pub(super) struct History {
    bytes: Vec<u8>,
    /// The index of the oldest byte, once the window is full.
    oldest: usize,
    window: usize,
}

impl History {
    pub(super) fn new(window_bits: u8) -> Self {
        Self { bytes: Vec::new(), oldest: 0, window: 1 << window_bits }
    }

    /// Appends inflated data.
    pub(super) fn push(&mut self, mut inflated: &[u8]) {
        if let Some(skipped) = inflated.len().checked_sub(self.window) {
            inflated = &inflated[skipped..];
            self.clear();
        }
        let (first, second) = inflated.split_at(inflated.len().min(self.window - self.bytes.len()));
        self.grow(first.len());
        self.bytes.extend_from_slice(first);
        let (end, start) = second.split_at(second.len().min(self.window - self.oldest));
        self.bytes[self.oldest..self.oldest + end.len()].copy_from_slice(end);
        self.bytes[..start.len()].copy_from_slice(start);
        self.oldest = (self.oldest + second.len()) % self.window;
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.oldest = 0;
    }

    /// Sets the contents as the dictionary of a new inflater.
    pub(super) fn give(&self, inflater: &mut Decompress) {
        let (newer, older) = self.bytes.split_at(self.oldest);
        for part in [older, newer] {
            if !part.is_empty() {
                inflater.set_dictionary(part).expect("a raw stream takes a dictionary anywhere");
            }
        }
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    fn grow(&mut self, more: usize) {
        let needed = self.bytes.len() + more;
        if needed > self.bytes.capacity() {
            let capacity = (needed + needed / 4).min(self.window);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
    }
}

#[cfg(test)]
mod tests;
