//! What an open socket holds for as long as it is open.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use crate::shutdown::{Open, Shutdown, Stage};

/// What an open socket holds for as long as it is open: its place under the limit, and its place in
/// the count.
#[derive(Debug)]
pub(crate) struct ConnectionGuard {
    _place: Option<OwnedSemaphorePermit>,
    open: Option<Open>,
}

/// Why there is no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GuardError {
    ShuttingDown,
    TooManyConnections,
}

impl ConnectionGuard {
    /// Admits one more socket, if there is room for it and no shutdown.
    pub(crate) fn acquire(
        limit: Option<&Arc<Semaphore>>,
        shutdown: Option<&Shutdown>,
    ) -> Result<Self, GuardError> {
        let open = match shutdown {
            Some(shutdown) => Some(shutdown.enter().ok_or(GuardError::ShuttingDown)?),
            None => None,
        };
        let place = match limit {
            Some(limit) => {
                Some(Arc::clone(limit).try_acquire_owned().map_err(|_| GuardError::TooManyConnections)?)
            }
            None => None,
        };
        Ok(Self { _place: place, open })
    }

    /// Has the shutdown count the socket as one that was dropped: its closing handshake timed out.
    pub(crate) fn note_cut(&mut self) {
        if let Some(open) = &self.open {
            open.note_cut();
        }
    }

    /// Returns when the socket is to send its Close in a shutdown that spreads them, or `None` if
    /// that never comes. Each call takes another turn.
    pub(crate) fn take_turn(&self) -> Option<Instant> {
        self.open.as_ref().and_then(Open::take_turn)
    }

    /// Ready with each new stage of the shutdown, once.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<Stage> {
        match &mut self.open {
            Some(open) => open.poll_stage(cx),
            None => Poll::Pending,
        }
    }
}
