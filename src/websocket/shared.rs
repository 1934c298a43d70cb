//! The state that a socket, its halves and its driver share.

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

use super::connection::{Connection, Deferred, Lock, Locked, Waiter};
use crate::close::CloseCode;
use crate::io::send_with_fin;
use crate::metrics::id::WebSocketId;

/// The state that a socket, its halves and its driver share: the connection behind its lock.
pub(super) struct Shared<IO> {
    pub(super) lock: Lock<IO>,
    /// Performs acts that need more bounds on `IO` than their callers have. `Drop` cannot have
    /// bounds, and only the constructor knows that `IO` can be moved to another task.
    act: fn(&Arc<Self>, Act),
    /// The subprotocol that the opening handshake selected.
    protocol: Option<Box<HeaderValue>>,
    id: WebSocketId,
}

/// Work for a connection that a task other than the handler's may have to do.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    /// Handle the drop of the reader. The code is sent to the peer.
    EndReading(CloseCode),
    /// Spawn a background driver if the connection has no driver.
    EnsureDriven,
    /// Schedule a write in the runtime.
    Deliver(runtime::Id),
    /// Do the driver's work if the handler, which is being polled, blocks its thread.
    Rescue,
}

impl<IO: Send + 'static> Shared<IO> {
    pub(super) fn new(
        connection: Connection<IO>,
        id: WebSocketId,
        protocol: Option<HeaderValue>,
        act: fn(&Arc<Self>, Act),
    ) -> Arc<Self> {
        // Copied, because the value may be part of a much larger head.
        let protocol = protocol.and_then(|protocol| HeaderValue::from_bytes(protocol.as_bytes()).ok());
        Arc::new_cyclic(|shared| {
            let waker = Waker::from(Arc::new(ConnectionWaker(Weak::clone(shared))));
            Self {
                lock: Lock::new(connection, waker, |io| send_with_fin(io)),
                act,
                protocol: protocol.map(Box::new),
                id,
            }
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

    /// Returns the subprotocol that the opening handshake selected.
    pub(super) fn protocol(&self) -> Option<&str> {
        self.protocol.as_ref()?.to_str().ok()
    }

    pub(super) fn lock(&self) -> Locked<'_, IO> {
        self.lock.lock()
    }

    /// Calls `f` with the locked connection.
    pub(super) fn with<R>(&self, f: impl FnOnce(&mut Connection<IO>, &mut Deferred) -> R) -> R {
        let mut locked = self.lock();
        let (connection, deferred) = locked.parts();
        f(connection, deferred)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Shared<IO> {
    /// Polls an operation; see [`Lock::poll`].
    pub(super) fn poll<T>(
        &self,
        waker: &Waker,
        waiter: Waiter<'_>,
        operation: impl FnMut(&mut Connection<IO>, &mut Deferred) -> Poll<T>,
    ) -> Poll<T> {
        self.lock.poll(waker, waiter, operation)
    }

    pub(super) fn write<'a>(&'a self, locked: Locked<'a, IO>) -> Locked<'a, IO> {
        self.lock.write(locked)
    }

    /// Writes what the IO accepts, shuts it down, and ends the connection, because no task will
    /// drive it any more.
    pub(super) fn end_now(&self) {
        let locked = self.write(self.lock());
        let mut locked = self.lock.shut_down(locked);
        let (connection, deferred) = locked.parts();
        connection.abort(deferred);
    }
}

/// Wakes a connection, which wakes its waiters. It is the only waker that the IO and the alarm get.
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
