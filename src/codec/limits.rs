//! How large frames and messages of the peer may be.

use tungstenite::error::{CapacityError, Error};

/// How large frames and messages of the peer may be, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// What the application gets as one message.
    pub(crate) max_message_size: usize,
    /// The payload of one frame, compressed or not.
    pub(crate) max_frame_size: usize,
}

impl Limits {
    /// Fails when a plain frame of `payload` bytes is too large to follow `assembled` bytes of its
    /// message.
    pub(super) fn check_plain(&self, payload: u64, assembled: usize) -> Result<(), Error> {
        within(payload, self.max_frame_size as u64)?;
        within((assembled as u64).saturating_add(payload), self.max_message_size as u64)
    }

    /// Fails when a compressed frame of `payload` bytes is larger than anything that could be
    /// received makes it.
    pub(super) fn check_compressed(&self, payload: u64) -> Result<(), Error> {
        within(payload, compressed_bound(self.max_frame_size.min(self.max_message_size) as u64))
    }

    /// Returns how many bytes may come out of a compressed frame of `payload` bytes. One that is
    /// larger than a frame may be is only allowed as far as compression made it so.
    pub(super) fn inflated_frame(&self, payload: u64) -> usize {
        if payload > self.max_frame_size as u64 { self.max_frame_size } else { usize::MAX }
    }

    /// Fails when more than `room` bytes came out of a compressed frame, or made a message larger
    /// than it may be.
    pub(super) fn check_inflated(&self, inflated: usize, room: usize, assembled: usize) -> Result<(), Error> {
        if inflated > room {
            let size = self.max_frame_size.saturating_add(inflated - room);
            return within(size as u64, self.max_frame_size as u64);
        }
        within((assembled as u64).saturating_add(inflated as u64), self.max_message_size as u64)
    }
}

fn within(size: u64, max_size: u64) -> Result<(), Error> {
    if size <= max_size {
        return Ok(());
    }
    let [size, max_size] = [size, max_size].map(|size| usize::try_from(size).unwrap_or(usize::MAX));
    Err(CapacityError::MessageTooLong { size, max_size }.into())
}

/// How large `len` bytes become at most when deflate makes them larger: zlib's bound for any of its
/// settings, and the end of a flush.
fn compressed_bound(len: u64) -> u64 {
    len.saturating_add(len / 8 + len / 64).saturating_add(16)
}

#[cfg(test)]
mod tests {
    use tungstenite::Error;

    use super::Limits;

    const LIMITS: Limits = Limits { max_message_size: 1000, max_frame_size: 600 };

    #[test]
    fn frames_and_messages_have_a_limit_each() {
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
    fn what_comes_out_of_a_frame_is_within_the_limits_too() {
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
    fn compression_may_make_a_frame_a_little_larger() {
        for (payload, is_allowed) in [(600, true), (600 + 75 + 9 + 16, true), (701, false), (u64::MAX, false)]
        {
            assert_eq!(LIMITS.check_compressed(payload).is_ok(), is_allowed, "{payload}");
        }
        let unlimited = Limits { max_message_size: usize::MAX, max_frame_size: usize::MAX };
        assert!(unlimited.check_compressed(u64::MAX).is_ok());
        assert!(unlimited.check_plain(u64::MAX, usize::MAX).is_ok());
    }
}
