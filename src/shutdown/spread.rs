//! The times at which sockets close in a spread shutdown.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::time::Instant;

/// When each socket sends its Close in a spread shutdown.
#[derive(Debug)]
pub(super) struct Spread {
    from: Instant,
    over: Duration,
    /// The number of open sockets when the shutdown began.
    sockets: usize,
    /// The number of sockets that have taken their turn.
    turns: AtomicUsize,
}

impl Spread {
    /// Creates the schedule of `sockets` sockets over the time `over` from now on.
    pub(super) fn new(over: Duration, sockets: usize) -> Self {
        Self { from: Instant::now(), over, sockets, turns: AtomicUsize::new(0) }
    }

    /// Returns when the next socket sends its Close, or `None` if the clock cannot represent that
    /// time.
    pub(super) fn next_turn(&self) -> Option<Instant> {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed).min(self.sockets);
        let after = self.over.as_secs_f64() * turn as f64 / self.sockets.max(1) as f64;
        self.from.checked_add(Duration::try_from_secs_f64(after).ok()?)
    }
}
