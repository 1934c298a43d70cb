//! Limits that all servers share.

/// Bytes in the largest message and in the largest frame.
pub(super) const MAX_MESSAGE: usize = 64 << 20;
