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
mod tests {
    use tungstenite::Error;

    use super::Limits;

    const LIMITS: Limits = Limits { max_message_size: 1000, max_frame_size: 600 };

    #[test]
    fn frames_and_messages_have_separate_limits() {
        for (payload, assembled, is_allowed) in [
            (600, 0, true),
            (601, 0, false),
            (600, 400, true),
            (600, 401, false),
            (0, 1000, true),
            (1, 1000, false),
            (u64::MAX, 1000, false),
        ] {
            let checked = LIMITS.check_plain(payload, assembled);
            assert_eq!(checked.is_ok(), is_allowed, "{payload} after {assembled}");
            assert!(matches!(checked, Ok(()) | Err(Error::Capacity(_))));
        }
    }

    #[test]
    fn limits_apply_to_inflated_frames() {
        assert_eq!(LIMITS.inflated_frame(600), usize::MAX);
        assert_eq!(LIMITS.inflated_frame(601), 600);
        for (inflated, room, assembled, is_allowed) in [
            (1000, usize::MAX, 0, true),
            (1001, usize::MAX, 0, false),
            (600, 600, 400, true),
            (600, 600, 401, false),
            (600, 599, 0, false),
        ] {
            let checked = LIMITS.check_inflated(inflated, room, assembled);
            assert_eq!(checked.is_ok(), is_allowed, "{inflated} of {room} after {assembled}");
        }
    }

    #[test]
    fn compression_may_make_a_frame_slightly_larger() {
        for (payload, is_allowed) in [(600, true), (600 + 75 + 9 + 16, true), (701, false), (u64::MAX, false)]
        {
            assert_eq!(LIMITS.check_compressed(payload).is_ok(), is_allowed, "{payload}");
        }
        let unlimited = Limits { max_message_size: usize::MAX, max_frame_size: usize::MAX };
        assert!(unlimited.check_compressed(u64::MAX).is_ok());
        assert!(unlimited.check_plain(u64::MAX, usize::MAX).is_ok());
    }
}
