//! The state of a shutdown.

use std::{
    fmt,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    task::Waker,
};

use tokio::sync::Notify;

use super::{
    spread::Spread,
    stage::Stage,
    wakers::{CHUNK, Wakers},
};

/// The state that all clones of a handle share.
#[derive(Default)]
pub(super) struct State {
    stage: AtomicU8,
    /// Woken when a stage begins.
    sockets: Mutex<Wakers>,
    /// Set before the stage becomes [`Stage::Spreading`].
    pub(super) spread: OnceLock<Spread>,
    pub(super) open: AtomicUsize,
    /// The number of sockets dropped during the shutdown because their closing handshake timed out.
    pub(super) cut: AtomicUsize,
    /// Notified when the shutdown begins.
    pub(super) started: Notify,
    /// Notified when the last open socket has ended.
    pub(super) idle: Notify,
}

impl State {
    pub(super) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Running,
            1 => Stage::Spreading,
            2 => Stage::Draining,
            _ => Stage::Dropping,
        }
    }

    pub(super) fn is_shutting_down(&self) -> bool {
        self.stage() > Stage::Running
    }

    pub(super) fn connections(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }

    /// Begins a stage unless it or a later one has begun, and wakes the tasks that wait for it.
    pub(super) fn advance(&self, stage: Stage) {
        if self.stage.fetch_max(stage as u8, Ordering::AcqRel) < stage as u8 {
            self.started.notify_waiters();
            // In chunks, so that sockets that open or close meanwhile do not wait for long. Such a
            // socket sees the new stage itself.
            for start in (0..).step_by(CHUNK) {
                let wakers = self.sockets().chunk(start);
                let Some(wakers) = wakers else { break };
                wakers.into_iter().for_each(Waker::wake);
            }
        }
    }

    pub(super) fn sockets(&self) -> MutexGuard<'_, Wakers> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown")
            .field("connections", &self.connections())
            .field("is_shutting_down", &self.is_shutting_down())
            .finish()
    }
}
