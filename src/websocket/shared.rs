//! What a socket, its halves and its driver share.

use std::{
    fmt,
    sync::{Arc, Weak},
    task::{Poll, Wake, Waker},
};

use http::HeaderValue;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime,
};

use super::connection::{Connection, Deferred, Lock, Locked, Seat};
use crate::close::CloseCode;
use crate::metrics::id::WebSocketId;

/// What a socket, its halves and its driver share: the connection behind its lock.
pub(super) struct Shared<IO> {
    pub(super) lock: Lock<IO>,
    /// Does what needs more of `IO` than its callers know: `Drop` has no bounds, and only the
    /// constructor knows that `IO` can go to another task.
    act: fn(&Arc<Self>, Act),
    /// The subprotocol that was agreed on.
    protocol: Option<Box<HeaderValue>>,
    id: WebSocketId,
}

/// What is done for a connection by another task than its handler's, or without one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    /// Nobody receives any more; the code tells the peer.
    EndReading(CloseCode),
    /// Has the connection driven in the background, if it has no driver.
    EnsureDriven,
    /// Has what was sent written soon, in the runtime.
    Deliver(runtime::Id),
    /// Has the driver's work done if the handler, which is being polled, blocks its thread.
    Rescue,
}

impl<IO: Send + 'static> Shared<IO> {
    pub(super) fn new(
        connection: Connection<IO>,
        id: WebSocketId,
        protocol: Option<HeaderValue>,
        act: fn(&Arc<Self>, Act),
    ) -> Arc<Self> {
        Arc::new_cyclic(|shared| {
            let waker = Waker::from(Arc::new(ConnectionWaker(Weak::clone(shared))));
            Self { lock: Lock::new(connection, waker), act, protocol: protocol.map(Box::new), id }
        })
    }
}

impl<IO> Shared<IO> {
    pub(super) fn act(self: &Arc<Self>, act: Act) {
        (self.act)(self, act);
    }

    pub(super) fn id(&self) -> WebSocketId {
        self.id
    }

    /// Returns the subprotocol that was agreed on.
    pub(super) fn protocol(&self) -> Option<&str> {
        self.protocol.as_ref()?.to_str().ok()
    }

    pub(super) fn lock(&self) -> Locked<'_, IO> {
        self.lock.lock()
    }

    /// Locks the connection for a change.
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut Connection<IO>, &mut Deferred) -> R) -> R {
        let mut locked = self.lock();
        let (connection, deferred) = locked.parts();
        f(connection, deferred)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Shared<IO> {
    /// Polls an operation, see [`Lock::poll`].
    pub(super) fn poll<T>(
        &self,
        waker: &Waker,
        seat: Seat<'_>,
        operation: impl FnMut(&mut Connection<IO>, &mut Deferred) -> Poll<T>,
    ) -> Poll<T> {
        self.lock.poll(waker, seat, operation)
    }

    pub(super) fn write<'a>(&'a self, locked: Locked<'a, IO>) -> Locked<'a, IO> {
        self.lock.write(locked)
    }

    /// Does what can be done at once, as there will be no later.
    pub(super) fn end_now(&self) {
        let locked = self.write(self.lock());
        let mut locked = self.lock.shut_down(locked);
        let (connection, deferred) = locked.parts();
        connection.abort(deferred);
    }
}

/// Wakes a connection: the only waker that its IO and its alarm know, so that their wake-ups reach
/// whoever waits.
struct ConnectionWaker<IO>(Weak<Shared<IO>>);

impl<IO: Send + 'static> Wake for ConnectionWaker<IO> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let Some(shared) = self.0.upgrade() else { return };
        let turn = shared.with(|connection, deferred| {
            connection.on_event(deferred);
            connection.turn()
        });
        if turn.is_some() {
            shared.act(Act::Rescue);
        }
    }
}

impl<IO> fmt::Debug for Shared<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
