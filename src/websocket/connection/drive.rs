//! The drivers of a connection, and the turns of their handlers.

use std::task::{Poll, Waker};

use tokio::runtime;

use super::{
    deferred::Deferred,
    errand::Caller,
    lifecycle::{Input, State},
    state::Connection,
    waiters::{Event, WaiterKey, WaiterKind},
};
use crate::close::{CloseCode, CloseReason};

/// A task that waits for the connection, by its role.
#[derive(Debug)]
pub(in crate::websocket) enum Waiter<'a> {
    /// The task that receives.
    Reader,
    /// A driver.
    Driver,
    /// Any other task.
    Other(WaiterKind, Event, &'a mut Option<WaiterKey>),
}

/// How a task lets other tasks run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Yield {
    /// It is woken when the runtime next polls for IO: a runtime does this only after a number of
    /// tasks, or when all of them wait.
    ToRuntime,
    /// It is woken at once. It may be polled by another executor that blocks a thread of the
    /// runtime, which then never polls for IO.
    ToExecutor,
}

impl<IO> Connection<IO> {
    /// Registers a driver.
    pub(in crate::websocket) fn begin_driving(&mut self) {
        self.users.drivers += 1;
        self.waiters.set_in_turn(false);
    }

    /// Unregisters a driver. Without a driver, waiting tasks do its work.
    pub(in crate::websocket) fn end_driving(&mut self, deferred: &mut Deferred) {
        self.users.drivers -= 1;
        self.turn.end();
        self.waiters.set_in_turn(false);
        self.on_event(deferred);
    }

    /// Begins a turn of the handler on the task of `waker`, which is taken if it is not registered
    /// yet. Returns `true` if the driver has to handle events before the handler is polled, which
    /// may block.
    pub(in crate::websocket) fn begin_turn(
        &mut self,
        waker: &mut Option<Waker>,
        deferred: &mut Deferred,
    ) -> bool {
        if let Some(waker) = waker.take_if(|waker| !self.waiters.is_driver(waker)) {
            self.waiters.set_driver(waker, self.users.drivers == 1, deferred);
        }
        self.turn.begin();
        self.waiters.set_in_turn(self.users.drivers == 1);
        let is_first = self.turn.is_first();
        if is_first {
            self.users.home = runtime::Handle::try_current().ok();
        }
        // A waiting reader handles the events first.
        let is_seen = self.waiters.take_reader_due() || !self.slot.is_readable;
        // Messages of other threads may be left to this driver, and the handler may block.
        is_first || !is_seen || self.outbox.has_output() && self.slot.is_writable
    }

    /// Ends a turn of the handler. Returns `true` if its task has to be woken for another one.
    pub(in crate::websocket) fn end_turn(&mut self, deferred: &mut Deferred) -> bool {
        if self.turn.end() {
            self.waiters.wake_all(Event::Drive, Event::Drive, deferred);
        }
        self.waiters.set_in_turn(false);
        self.waiters.take_wake_due()
    }

    /// Returns the number of the current turn, if a handler is being polled.
    pub(in crate::websocket) fn turn(&self) -> Option<u32> {
        self.turn.current()
    }

    /// Returns the current turn if a rescue has to be spawned, because the handler may be blocking
    /// its thread.
    pub(in crate::websocket) fn begin_rescue(&mut self) -> Option<u32> {
        self.turn.begin_rescue()
    }

    /// Ready when the handler's turn is over. Returns the next turn if that has already begun, and
    /// otherwise ends the rescue. Events in the meantime began no other rescue.
    pub(in crate::websocket) fn poll_rescue(&mut self, turn: u32) -> Poll<Option<u32>> {
        let current = self.turn().filter(|_| !self.is_over());
        if current == Some(turn) {
            return Poll::Pending;
        }
        if current.is_none() {
            self.turn.end_rescue();
        }
        Poll::Ready(current)
    }

    pub(in crate::websocket) fn end_rescue(&mut self) {
        self.turn.end_rescue();
    }

    /// Notes that a sender has queued data. Returns the runtime in which a task other than the
    /// driver has to write it, and then to [end](Self::end_delivery) the delivery.
    pub(in crate::websocket) fn begin_delivery(&mut self, deferred: &mut Deferred) -> Option<runtime::Id> {
        if self.slot.link.is_none() {
            // The task that has the link checks for more work before it stops.
            self.slot.is_wanted = true;
            self.turn.note_write_due();
            return None;
        }
        if self.users.is_delivering || !self.slot.is_writable {
            return None;
        }
        match self.users.home {
            Some(_) => self.users.is_delivering = true,
            None => self.waiters.wake_driver(deferred),
        }
        self.users.home.as_ref().map(runtime::Handle::id)
    }

    /// Returns the runtime of the driver, if there is a driver.
    pub(in crate::websocket) fn home(&self) -> Option<&runtime::Handle> {
        self.users.home.as_ref().filter(|_| self.is_driven())
    }

    pub(in crate::websocket) fn end_delivery(&mut self) {
        self.users.is_delivering = false;
    }

    pub(in crate::websocket) fn wake_driver(&mut self, deferred: &mut Deferred) {
        self.waiters.wake_driver(deferred);
    }

    /// Returns what `waiter` may do for the connection.
    pub(in crate::websocket) fn caller(&mut self, waiter: &Waiter<'_>, waker: &Waker) -> Caller {
        let is_driver = matches!(waiter, Waiter::Driver | Waiter::Other(_, Event::Drive, _));
        let reads = matches!(waiter, Waiter::Reader | Waiter::Other(_, Event::Over, _));
        // The driver handles events before the handler's first turn, in which the handler may
        // receive and answer the available messages.
        let is_before_handler = matches!(waiter, Waiter::Driver) && self.turn.is_first();
        Caller {
            is_driver: is_driver || !self.is_driven(),
            reads,
            receives_ahead: (is_driver || !self.is_driven()) && !reads && !is_before_handler,
            // A task that waits for a write does the write.
            writes: is_driver
                || matches!(waiter, Waiter::Other(_, Event::Written(_), _))
                || !self.leaves_writing(waiter, waker),
        }
    }

    /// Registers a waiting task, unless it is registered already. Returns `false` if this needs a
    /// waker in `spare`, which has to be a clone of the task's waker.
    pub(in crate::websocket) fn register(
        &mut self,
        waiter: &mut Waiter<'_>,
        waker: &Waker,
        spare: &mut Option<Waker>,
        deferred: &mut Deferred,
    ) -> bool {
        let is_known = match waiter {
            // A handler that receives is woken with its driver.
            Waiter::Reader if self.waiters.is_driver(waker) => {
                self.waiters.read_as_driver(deferred);
                true
            }
            Waiter::Reader => self.waiters.is_reader(waker),
            Waiter::Driver => self.waiters.is_driver(waker),
            Waiter::Other(_, _, key) => key.is_some_and(|key| self.waiters.is_waiting(key, waker)),
        };
        if is_known {
            return true;
        }
        let Some(waker) = spare.take() else { return false };
        match waiter {
            Waiter::Reader => self.waiters.set_reader(waker, deferred),
            Waiter::Driver => self.waiters.set_driver(waker, self.users.drivers == 1, deferred),
            Waiter::Other(kind, event, key) => {
                let key = *key.get_or_insert_with(|| self.waiters.new_key(*kind, *event));
                self.waiters.wait(key, waker, deferred);
            }
        }
        true
    }

    /// Makes a reader that has yielded yield again a few times, unless it is on the driver's task,
    /// which yields as well.
    pub(super) fn resume_reading(&mut self, waker: &Waker) {
        if self.turn.has_yielded() && !self.waiters.is_driver(waker) {
            self.turn.resume();
        }
    }

    /// Lets other tasks run before `waiter`, whose budget is spent, continues. Returns how its task
    /// is woken for this, and the waker of the driver if it has to be woken as well: a reader that
    /// is not polled again must not keep the driver from its work.
    pub(super) fn yield_to_others(
        &mut self,
        waiter: &Waiter<'_>,
        waker: &Waker,
        deferred: &mut Deferred,
    ) -> (Yield, Option<Waker>) {
        let is_reader = matches!(waiter, Waiter::Reader);
        let is_drivers_task = self.waiters.is_driver(waker);
        if is_reader {
            self.waiters.remove_reader(deferred);
            if self.turn.is_running() && is_drivers_task {
                // The driver runs next, and yields as well, unless the connection is over or
                // another task has renewed the budget.
                return (Yield::ToRuntime, None);
            }
        }
        self.turn.budget.renew();
        if is_reader {
            self.turn.note_yield();
        }
        let driver = if is_reader { self.waiters.take_driver() } else { None };
        match is_drivers_task {
            true => (Yield::ToRuntime, driver),
            false => (Yield::ToExecutor, driver),
        }
    }

    /// Unregisters a task whose operation is complete.
    pub(in crate::websocket) fn unregister(&mut self, waiter: &mut Waiter<'_>, deferred: &mut Deferred) {
        match waiter {
            Waiter::Reader => drop(self.waiters.remove_reader(deferred)),
            Waiter::Driver => {}
            Waiter::Other(_, _, key) => {
                if let Some(key) = key.take() {
                    self.waiters.remove(key, deferred);
                }
            }
        }
    }

    /// Unregisters a task that no longer waits. If the task was woken but not polled since, another
    /// task is woken instead.
    pub(in crate::websocket) fn cancel_waiting(&mut self, key: Option<WaiterKey>, deferred: &mut Deferred) {
        if let Some(key) = key {
            if !self.waiters.remove(key, deferred) {
                self.pass_on(key.event(), deferred);
            }
        }
    }

    /// Unregisters the reader, which no longer waits. Returns `true` if it had been woken and the
    /// driver cannot handle the event instead until the handler yields.
    pub(in crate::websocket) fn cancel_reading(&mut self, deferred: &mut Deferred) -> bool {
        let was_woken = !self.waiters.remove_reader(deferred);
        if was_woken {
            self.waiters.wake_driver(deferred);
            if !self.is_driven() {
                self.waiters.wake_any(deferred);
            }
        }
        was_woken && self.turn.is_running()
    }

    fn pass_on(&mut self, event: Event, deferred: &mut Deferred) {
        match event {
            Event::Space if self.has_space() => self.waiters.wake_first(Event::Space, deferred),
            Event::Compressor => self.waiters.wake_first(Event::Compressor, deferred),
            _ => {}
        }
        if self.lacks_driver() {
            self.waiters.wake_reader(deferred);
            self.waiters.wake_any(deferred);
        }
    }

    /// Returns `true` if no driver is polled soon: there is none, or its handler may be blocking
    /// its thread.
    pub(super) fn lacks_driver(&self) -> bool {
        !self.is_driven() || self.turn.is_running()
    }

    /// Returns `true` if the connection is not over, and has neither a reader nor a driver.
    pub(in crate::websocket) fn is_orphaned(&self) -> bool {
        !self.users.has_reader && !self.is_driven() && !self.is_over()
    }

    /// Ends the connection at once, without a Close.
    pub(in crate::websocket) fn abort(&mut self, deferred: &mut Deferred) {
        self.handle(Input::Abort, deferred);
    }

    /// Handles an error that the handler returned: closes the connection with 1011. If the
    /// connection is only closing because the handler dropped its handles, and that Close is not
    /// written yet, the Close is replaced. Returns `false` if the connection is closed for another
    /// reason.
    pub(in crate::websocket) fn on_failure(&mut self, error: &str, deferred: &mut Deferred) -> bool {
        let is_dropped = self.users.is_closed_by_drop && self.lifecycle.state() == State::CloseSent;
        if self.is_open() {
            self.begin_close(Some(CloseCode::INTERNAL_ERROR), CloseReason::default(), deferred);
        } else {
            let frame = CloseCode::INTERNAL_ERROR.frame(CloseReason::default());
            if !is_dropped || !self.outbox.replace_close(&frame) {
                return false;
            }
            self.lifecycle.note_sent(frame);
        }
        self.lifecycle.note_error(error.to_owned());
        true
    }

    /// Handles a panic of the handler. Its socket may have been moved elsewhere, where it can still
    /// be used.
    pub(in crate::websocket) fn on_panic(&mut self, deferred: &mut Deferred) {
        self.begin_close(Some(CloseCode::INTERNAL_ERROR), CloseReason::default(), deferred);
    }
}
