//! What a socket, its halves and its driver share.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::runtime;

use super::{closing::CloseCode, connection::Connection};

/// What a socket, its halves and its driver share: the connection behind a lock that is hardly ever contended.
pub(super) struct Shared<IO> {
    connection: Mutex<Option<Connection<IO>>>,
    actions: Actions<IO>,
}

/// What [`Handle`], [`adopt`](Shared::adopt) and [`deliver`](Shared::deliver) do, as pointers: `Drop` has no bounds, and
/// only who made this knows that `IO` can be driven.
pub(super) struct Actions<IO> {
    pub(super) abandon: fn(&Arc<Shared<IO>>, CloseCode),
    pub(super) adopt: fn(&Arc<Shared<IO>>),
    pub(super) deliver: fn(&Arc<Shared<IO>>, runtime::Id),
}

impl<IO> Shared<IO> {
    pub(super) fn new(connection: Connection<IO>, actions: Actions<IO>) -> Arc<Self> {
        Arc::new(Self { connection: Mutex::new(Some(connection)), actions })
    }

    /// Has the connection driven in the background, if it has no driver.
    pub(super) fn adopt(self: &Arc<Self>) {
        (self.actions.adopt)(self);
    }

    /// Has what was sent written soon, in the runtime `home`.
    pub(super) fn deliver(self: &Arc<Self>, home: runtime::Id) {
        (self.actions.deliver)(self, home);
    }

    pub(super) fn lock(&self) -> Locked<'_, IO> {
        Locked(self.guard())
    }

    /// The connection, unless it was taken.
    pub(super) fn try_lock(&self) -> Option<Locked<'_, IO>> {
        let guard = self.guard();
        guard.is_some().then_some(Locked(guard))
    }

    /// Takes the connection away from its driver.
    pub(super) fn take(&self) -> Connection<IO> {
        self.guard().take().expect("only the last handle takes the connection")
    }

    fn guard(&self) -> MutexGuard<'_, Option<Connection<IO>>> {
        // A panic under the lock can only come from the IO; the connection is no worse for it.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one who reads: while it is there, the connection is open.
pub(super) struct Handle<IO>(Arc<Shared<IO>>);

impl<IO> Handle<IO> {
    pub(super) fn new(shared: Arc<Shared<IO>>) -> Self {
        Self(shared)
    }

    pub(super) fn shared(&self) -> &Arc<Shared<IO>> {
        &self.0
    }
}

impl<IO> Deref for Handle<IO> {
    type Target = Shared<IO>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<IO> Drop for Handle<IO> {
    fn drop(&mut self) {
        (self.0.actions.abandon)(&self.0, code_of_drop());
    }
}

/// What the peer is told when a handle is dropped: a panic on its way up is an error.
pub(super) fn code_of_drop() -> CloseCode {
    if std::thread::panicking() { CloseCode::INTERNAL_ERROR } else { CloseCode::NORMAL }
}

impl<IO> fmt::Debug for Shared<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// The connection, locked.
pub(super) struct Locked<'a, IO>(MutexGuard<'a, Option<Connection<IO>>>);

impl<IO> Deref for Locked<'_, IO> {
    type Target = Connection<IO>;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref().expect("a connection is taken only with its last handle")
    }
}

impl<IO> DerefMut for Locked<'_, IO> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0.as_mut().expect("a connection is taken only with its last handle")
    }
}
