//! The resources that an open socket holds.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{sync::Semaphore, time::Instant};

use crate::shutdown::{OpenSocket, Shutdown, Stage};

/// The resources that an open socket holds until it is closed: a permit of the connection limit,
/// and an entry in the count of a shutdown.
#[derive(Debug)]
pub(crate) struct ConnectionGuard {
    _permit: Option<LimitPermit>,
    open: Option<OpenSocket>,
}

/// Why a socket was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GuardError {
    ShuttingDown,
    TooManyConnections,
}

impl ConnectionGuard {
    /// Admits one more socket, unless the limit is reached or a shutdown has begun.
    pub(crate) fn acquire(
        limit: Option<&Arc<Semaphore>>,
        shutdown: Option<&Shutdown>,
    ) -> Result<Self, GuardError> {
        let open = match shutdown {
            Some(shutdown) => Some(shutdown.enter().ok_or(GuardError::ShuttingDown)?),
            None => None,
        };
        let permit = match limit {
            Some(limit) => Some(LimitPermit::acquire(limit).ok_or(GuardError::TooManyConnections)?),
            None => None,
        };
        Ok(Self { _permit: permit, open })
    }

    /// Makes the shutdown count the socket as dropped, because its closing handshake timed out.
    pub(crate) fn note_cut(&mut self) {
        if let Some(open) = &self.open {
            open.note_cut();
        }
    }

    /// Returns when the socket has to send its Close in a shutdown that spreads the Closes over
    /// time, or `None` if it never has to. Each call takes another turn.
    pub(crate) fn take_turn(&self) -> Option<Instant> {
        self.open.as_ref().and_then(OpenSocket::take_turn)
    }

    /// Ready once for each new stage of the shutdown.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<Stage> {
        match &mut self.open {
            Some(open) => open.poll_stage(cx),
            None => Poll::Pending,
        }
    }
}

/// A permit of the connection limit. It is smaller than one that contains the number of permits.
#[derive(Debug)]
struct LimitPermit(Arc<Semaphore>);

impl LimitPermit {
    fn acquire(limit: &Arc<Semaphore>) -> Option<Self> {
        limit.try_acquire().ok()?.forget();
        Some(Self(Arc::clone(limit)))
    }
}

impl Drop for LimitPermit {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}
