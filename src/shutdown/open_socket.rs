//! A socket that a shutdown counts.

use std::{
    num::NonZeroU32,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
};

use tokio::time::Instant;

use super::{spread::Spread, stage::Stage, state::State};

/// A counted socket, with the stage of the shutdown that it has seen.
#[derive(Debug)]
pub(crate) struct OpenSocket {
    shutdown: Arc<State>,
    seen: Stage,
    /// The slot of the socket's waker.
    slot: Option<NonZeroU32>,
}

impl OpenSocket {
    /// Counts a socket.
    pub(super) fn new(shutdown: &Arc<State>) -> Self {
        shutdown.open.fetch_add(1, Ordering::AcqRel);
        Self { shutdown: Arc::clone(shutdown), seen: Stage::Running, slot: None }
    }

    /// Records that the socket was dropped because its closing handshake timed out.
    pub(crate) fn note_cut(&self) {
        if self.shutdown.is_shutting_down() {
            self.shutdown.cut.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Returns when the socket sends its Close in the stage [`Spreading`](Stage::Spreading), or
    /// `None` if it sends none. Each call takes another turn.
    pub(crate) fn take_turn(&self) -> Option<Instant> {
        self.shutdown.spread.get().and_then(Spread::next_turn)
    }

    /// Returns each new stage once.
    ///
    /// `cx` must have the same waker each time. The waker is registered once, so a call without a
    /// new stage costs one atomic load.
    pub(crate) fn poll_stage(&mut self, cx: &mut Context<'_>) -> Poll<Stage> {
        loop {
            let stage = self.shutdown.stage();
            if stage > self.seen {
                self.seen = stage;
                return Poll::Ready(stage);
            }
            if self.slot.is_some() {
                return Poll::Pending;
            }
            self.slot = Some(self.shutdown.sockets().add(cx.waker().clone()));
            // The stage may have begun just before the registration, so check again.
        }
    }
}

impl Drop for OpenSocket {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            let waker = self.shutdown.sockets().remove(slot);
            drop(waker);
        }
        if self.shutdown.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.shutdown.idle.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests;
