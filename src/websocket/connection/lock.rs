//! The lock of a connection, and the loop of every operation that waits.

use std::{
    future::{Future, poll_fn},
    ops::{Deref, DerefMut},
    pin::pin,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::{unconstrained, yield_now},
};

use super::{
    deferred::Deferred,
    detach::Attached,
    drive::{Waiter, Yield},
    errand::{Caller, Errand},
    link::{Link, Outcome, Work},
    state::Connection,
    waiters::Event,
};

/// A connection behind its lock.
///
/// The lock is held only briefly, and no foreign code is called under it. The first task that needs
/// the IO does the work with it while the lock is released. Other tasks that need the IO meanwhile
/// are woken afterwards.
pub(in crate::websocket) struct Lock<IO> {
    connection: Mutex<Connection<IO>>,
    /// Wakes the connection. It is the only waker that the IO and the alarm get.
    waker: Waker,
    /// Called with the IO before its last bytes are written.
    send_with_fin: fn(&IO),
}

impl<IO> Lock<IO> {
    pub(in crate::websocket) fn new(
        connection: Connection<IO>,
        waker: Waker,
        send_with_fin: fn(&IO),
    ) -> Self {
        Self { connection: Mutex::new(connection), waker, send_with_fin }
    }

    pub(in crate::websocket) fn lock(&self) -> Locked<'_, IO> {
        // A panic cannot leave the connection half changed, because no foreign code is called under
        // the lock.
        let guard = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        Locked { guard, deferred: Deferred::default() }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Lock<IO> {
    /// Tries `operation` until it is ready, and between attempts does the work that its task may do
    /// for the connection. When there is no more work, registers the waiter.
    pub(in crate::websocket) fn poll<T>(
        &self,
        waker: &Waker,
        mut waiter: Waiter<'_>,
        mut operation: impl FnMut(&mut Connection<IO>, &mut Deferred) -> Poll<T>,
    ) -> Poll<T> {
        let mut spare = None;
        let mut has_run = false;
        let mut locked = self.lock();
        if matches!(waiter, Waiter::Reader) {
            locked.resume_reading(waker);
        }
        loop {
            let (connection, deferred) = locked.parts();
            if let Poll::Ready(output) = operation(connection, deferred) {
                if has_run {
                    connection.settle_unread();
                }
                connection.unregister(&mut waiter, deferred);
                // The handler may block its thread next.
                let is_write_due = connection.turn.take_write_due();
                if matches!(waiter, Waiter::Reader) && connection.leaves_control_frame() {
                    // As after an event, another task does the driver's work if the turn takes
                    // long.
                    drop(locked);
                    self.waker.wake_by_ref();
                    locked = self.lock();
                }
                if is_write_due {
                    drop(self.write(locked));
                }
                return Poll::Ready(output);
            }
            // The permitted work depends on the caller. It is determined anew each time, because a
            // driver may have come or gone meanwhile.
            let caller = connection.caller(&waiter, waker);
            let state = connection.lifecycle.state();
            if let Some(errand) = self.next_errand(&mut locked, caller) {
                locked = self.run(locked, errand);
                has_run = true;
                continue;
            }
            let (connection, _) = locked.parts();
            if connection.lifecycle.state() != state {
                // The operation may be ready now. A task that is not registered was not woken.
                continue;
            }
            if connection.slot.link.is_some() && connection.turn.take_write_due() {
                // The handler may block next.
                locked = self.write(locked);
                has_run = true;
                continue;
            }
            let (connection, deferred) = locked.parts();
            if has_run {
                connection.settle_unread();
            }
            let has_spent_budget = connection.turn.budget.is_spent();
            // A sender yields once: other tasks may use up the budget again.
            let has_sent_enough =
                matches!(waiter, Waiter::Other(_, Event::Space, None)) && connection.turn.budget.is_sent();
            if connection.register(&mut waiter, waker, &mut spare, deferred) {
                if has_spent_budget || has_sent_enough {
                    // There is more work, but no event will wake the task: it has not waited for
                    // the IO.
                    let (yields, driver) = connection.yield_to_others(&waiter, waker, deferred);
                    drop(locked);
                    if let Some(driver) = driver {
                        wake_later(&driver);
                    }
                    match yields {
                        Yield::ToRuntime if has_spent_budget => wake_later(waker),
                        _ => waker.wake_by_ref(),
                    }
                }
                return Poll::Pending;
            }
            // A waker is foreign code, so it is not cloned under the lock.
            drop(locked);
            spare = Some(waker.clone());
            locked = self.lock();
        }
    }

    /// Writes as much as possible now, for a caller that cannot wait.
    pub(in crate::websocket) fn write<'a>(&'a self, mut locked: Locked<'a, IO>) -> Locked<'a, IO> {
        let caller = Caller { is_driver: false, reads: false, receives_ahead: false, writes: true };
        while let Some(errand) = self.next_errand(&mut locked, caller) {
            locked = self.run(locked, errand);
        }
        locked
    }

    /// Shuts the IO down, for a caller that cannot wait.
    pub(in crate::websocket) fn shut_down<'a>(&'a self, mut locked: Locked<'a, IO>) -> Locked<'a, IO> {
        match locked.take_link(Work::ShutDown) {
            Some(link) => self.run(locked, Errand::Io(link, Work::ShutDown)),
            None => locked,
        }
    }

    /// Takes the IO out once everything that was sent is written. Also returns the received bytes
    /// that precede the IO's further data.
    pub(in crate::websocket) fn poll_detach(
        &self,
        waker: &Waker,
        waiter: Waiter<'_>,
    ) -> Poll<Result<(IO, Vec<u8>), Attached>> {
        let link = ready!(self.poll(waker, waiter, |connection, deferred| connection.poll_detach(deferred)))?;
        let mut front = self.lock().take_received();
        let (io, unread) = link.into_parts();
        front.extend(unread);
        Poll::Ready(Ok((io, front)))
    }

    /// Calls `f` with the IO, outside of the lock, once no other task uses it. Returns `None` when
    /// the connection is over.
    pub(in crate::websocket) fn poll_io<R>(
        &self,
        waker: &Waker,
        waiter: Waiter<'_>,
        f: impl FnOnce(&IO) -> R,
    ) -> Poll<Option<R>> {
        let link = ready!(self.poll(waker, waiter, |connection, _| connection.poll_link()));
        let Some(link) = link else { return Poll::Ready(None) };
        let mut taken = Taken { lock: self, link: Some(link) };
        let result = taken.link.as_ref().map(|link| f(link.io()));
        if let Some(link) = taken.link.take() {
            let mut locked = self.lock();
            let (connection, deferred) = locked.parts();
            connection.return_link(link, deferred);
        }
        Poll::Ready(result)
    }

    fn next_errand(&self, locked: &mut Locked<'_, IO>, caller: Caller) -> Option<Errand<IO>> {
        let (connection, deferred) = locked.parts();
        connection.next_errand(caller, &mut Context::from_waker(&self.waker), deferred)
    }

    /// Runs an errand with the lock released.
    fn run<'a>(&'a self, locked: Locked<'a, IO>, errand: Errand<IO>) -> Locked<'a, IO> {
        drop(locked);
        match errand {
            Errand::Io(link, work) => {
                let mut taken = Taken { lock: self, link: Some(link) };
                let outcome = taken.work(work);
                let mut locked = self.lock();
                if let Some(link) = taken.link.take() {
                    let (connection, deferred) = locked.parts();
                    connection.put_back(link, outcome, deferred);
                }
                locked
            }
            Errand::Alarm(mut alarm, at) => {
                // A timer that is set to a past time wakes the connection at once.
                alarm.set(&mut Context::from_waker(&self.waker), at);
                let mut locked = self.lock();
                locked.put_alarm(alarm);
                locked
            }
        }
    }
}

/// Wakes a task when the runtime of this thread next polls for IO, or without a runtime at once.
fn wake_later(waker: &Waker) {
    let _ = pin!(yield_now()).poll(&mut Context::from_waker(waker));
}

/// The link while it is taken out of its connection.
struct Taken<'a, IO> {
    lock: &'a Lock<IO>,
    link: Option<Box<Link<IO>>>,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Taken<'_, IO> {
    fn work(&mut self, work: Work) -> Outcome {
        let link = self.link.as_mut().expect("the link is there until it is put back");
        if work == Work::WriteLast {
            (self.lock.send_with_fin)(link.io());
        }
        let cx = &mut Context::from_waker(&self.lock.waker);
        // Without `unconstrained`, the IO would pretend to be pending for a task without budget.
        let done = unconstrained(poll_fn(|cx| Poll::Ready(link.work(work, cx))));
        match pin!(done).poll(cx) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => unreachable!("a piece of work does not wait"),
        }
    }
}

impl<IO> Drop for Taken<'_, IO> {
    /// Handles a panic of the IO.
    fn drop(&mut self) {
        if let Some(link) = self.link.take() {
            let mut locked = self.lock.lock();
            let (connection, deferred) = locked.parts();
            connection.lose_link(deferred);
            drop(locked);
            drop(link);
        }
    }
}

/// A locked connection. When it is dropped, the lock is released first, and then the deferred
/// actions are performed.
pub(in crate::websocket) struct Locked<'a, IO> {
    // Fields are dropped in this order.
    guard: MutexGuard<'a, Connection<IO>>,
    deferred: Deferred,
}

impl<IO> Locked<'_, IO> {
    /// Returns the connection and its deferred actions.
    pub(in crate::websocket) fn parts(&mut self) -> (&mut Connection<IO>, &mut Deferred) {
        (&mut self.guard, &mut self.deferred)
    }
}

impl<IO> Deref for Locked<'_, IO> {
    type Target = Connection<IO>;

    fn deref(&self) -> &Self::Target {
        &self.guard
    }
}

impl<IO> DerefMut for Locked<'_, IO> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.guard
    }
}
