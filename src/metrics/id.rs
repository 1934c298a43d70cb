//! What tells a socket from all others.

use std::{
    fmt,
    num::NonZeroU64,
    sync::atomic::{AtomicU64, Ordering},
};

/// Identifies a WebSocket among all that this process opens. No two have the same, one after the
/// other either.
///
/// [`Sender::id`](crate::Sender::id) and [`WebSocket::id`](crate::WebSocket::id) return it, for the
/// keys of a registry; it is the field `id` of the connection's span. It is not a secret: ids are
/// numbers in the order of the handshakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebSocketId(NonZeroU64);

impl WebSocketId {
    pub(crate) fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let id = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        Self(NonZeroU64::new(id).expect("a process does not live for so many handshakes"))
    }
}

impl fmt::Display for WebSocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
