//! What a socket, its halves and its driver share.

use std::{
    fmt,
    sync::{Arc, Weak},
    task::{Poll, Wake, Waker},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime,
};

use super::{
    close_code::CloseCode,
    connection::{Connection, Deferred, Lock, Locked, Seat},
};

/// What a socket, its halves and its driver share: the connection behind its lock.
pub(super) struct Shared<IO> {
    pub(super) lock: Lock<IO>,
    pub(super) vtable: Vtable<IO>,
}

/// What is done by functions that need more of `IO` than their callers know: `Drop` has no bounds, and only the constructor
/// knows that `IO` can go to another task.
pub(super) struct Vtable<IO> {
    /// Nobody receives any more.
    pub(super) on_reader_dropped: fn(&Arc<Shared<IO>>, CloseCode),
    /// Has the connection driven in the background, if it has no driver.
    pub(super) ensure_driven: fn(&Arc<Shared<IO>>),
    /// Has what was sent written soon, in the runtime.
    pub(super) deliver: fn(&Arc<Shared<IO>>, runtime::Id),
    /// Has the driver's work done if the handler, which is being polled, blocks its thread.
    pub(super) rescue: fn(&Arc<Shared<IO>>),
}

impl<IO: Send + 'static> Shared<IO> {
    pub(super) fn new(connection: Connection<IO>, vtable: Vtable<IO>) -> Arc<Self> {
        Arc::new_cyclic(|shared| {
            let waker = Waker::from(Arc::new(ConnectionWaker(Weak::clone(shared))));
            Self { lock: Lock::new(connection, waker), vtable }
        })
    }
}

impl<IO> Shared<IO> {
    pub(super) fn ensure_driven(self: &Arc<Self>) {
        (self.vtable.ensure_driven)(self);
    }

    pub(super) fn deliver(self: &Arc<Self>, home: runtime::Id) {
        (self.vtable.deliver)(self, home);
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

/// Wakes a connection: the only waker that its IO and its alarm know, so that their wake-ups reach whoever waits.
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
            (shared.vtable.rescue)(&shared);
        }
    }
}

impl<IO> fmt::Debug for Shared<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
