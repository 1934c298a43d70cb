//! The size limits of the peer's frames and messages.

use tungstenite::error::{CapacityError, Error};

/// The size limits of the peer's frames and messages, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The maximum size of a message as the application receives it.
    pub(crate) max_message_size: usize,
    /// The maximum payload of one frame, compressed or not.
    pub(crate) max_frame_size: usize,
}

impl Limits {
    /// Returns an error if an uncompressed frame of `payload` bytes after `assembled` bytes of its
    /// message exceeds a limit.
    pub(super) fn check_plain(&self, payload: u64, assembled: usize) -> Result<(), Error> {
        within(payload, bytes(self.max_frame_size))?;
        within((assembled as u64).saturating_add(payload), bytes(self.max_message_size))
    }

    /// Returns an error if a compressed frame of `payload` bytes is larger than the compressed form
    /// of any data within the limits.
    pub(super) fn check_compressed(&self, payload: u64) -> Result<(), Error> {
        within(payload, compressed_bound(bytes(self.max_frame_size.min(self.max_message_size))))
    }

    /// Returns the maximum number of inflated bytes of a compressed frame of `payload` bytes. A
    /// frame may exceed the frame limit only because of compression.
    pub(super) fn inflated_frame(&self, payload: u64) -> usize {
        if payload > bytes(self.max_frame_size) { self.max_frame_size } else { usize::MAX }
    }

    /// Returns an error if a compressed frame has more than `room` inflated bytes, or if they make
    /// the message exceed its limit.
    pub(super) fn check_inflated(&self, inflated: usize, room: usize, assembled: usize) -> Result<(), Error> {
        if inflated > room {
            let size = self.max_frame_size.saturating_add(inflated - room);
            return within(size as u64, bytes(self.max_frame_size));
        }
        within((assembled as u64).saturating_add(inflated as u64), bytes(self.max_message_size))
    }
}

/// Returns a limit in bytes. `usize::MAX` means no limit, because frames may have more bytes than a
/// `usize` of 32 bits can count.
fn bytes(limit: usize) -> u64 {
    if limit == usize::MAX { u64::MAX } else { limit as u64 }
}

fn within(size: u64, max_size: u64) -> Result<(), Error> {
    if size <= max_size {
        return Ok(());
    }
    let [size, max_size] = [size, max_size].map(|size| usize::try_from(size).unwrap_or(usize::MAX));
    Err(CapacityError::MessageTooLong { size, max_size }.into())
}

/// Returns the maximum compressed size of `len` bytes, for incompressible data: zlib's bound for
/// any settings, and the end of a flush.
fn compressed_bound(len: u64) -> u64 {
    len.saturating_add(len / 8 + len / 64).saturating_add(16)
}

#[cfg(test)]
mod tests;
