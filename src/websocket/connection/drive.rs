//! Drivers of a connection, and the turns of their handlers.

use std::task::{Poll, Waker};

use tokio::runtime;

use super::{
    deferred::Deferred,
    errand::Caller,
    lifecycle::{Input, State},
    state::Connection,
    waiters::{Event, Kind, Place},
};
use crate::close::{CloseCode, CloseReason};

/// Where a task waits for the connection.
#[derive(Debug)]
pub(in crate::websocket) enum Seat<'a> {
    /// The one that receives.
    Reader,
    /// A driver.
    Driver,
    /// Any other.
    Waiter(Kind, Event, &'a mut Option<Place>),
}

impl<IO> Connection<IO> {
    /// A driver looks after the connection from now on.
    pub(in crate::websocket) fn begin_driving(&mut self) {
        self.users.drivers += 1;
    }

    /// A driver is gone. Without one, the others look after the connection themselves.
    pub(in crate::websocket) fn end_driving(&mut self, deferred: &mut Deferred) {
        self.users.drivers -= 1;
        self.users.end_turn();
        self.on_event(deferred);
    }

    /// Begins a turn of the handler, on the task of `waker`, which is taken if it was not known.
    /// Returns whether the driver is to look at the connection before the handler does, which may
    /// block.
    pub(in crate::websocket) fn begin_turn(
        &mut self,
        waker: &mut Option<Waker>,
        deferred: &mut Deferred,
    ) -> bool {
        if let Some(waker) = waker.take_if(|waker| !self.waiters.is_driver(waker)) {
            self.waiters.set_driver(waker, self.users.drivers == 1, deferred);
        }
        self.users.begin_turn();
        let is_first = self.users.turn == 1;
        if is_first {
            self.users.home = runtime::Handle::try_current().ok().map(|home| home.id());
        }
        // Whoever waits to receive looks there first.
        let is_seen = self.waiters.take_reader_due() || !self.port.is_readable;
        is_first || !is_seen
    }

    pub(in crate::websocket) fn end_turn(&mut self, deferred: &mut Deferred) {
        self.users.end_turn();
        if self.users.has_rescue {
            self.waiters.wake_all(Event::Drive, Event::Drive, deferred);
        }
    }

    /// Returns the number of the turn in which a handler is being polled.
    pub(in crate::websocket) fn turn(&self) -> Option<u32> {
        self.users.is_polling.then_some(self.users.turn)
    }

    /// Returns whether a rescue is to be spawned, for a handler that may be blocking its thread.
    pub(in crate::websocket) fn begin_rescue(&mut self) -> Option<u32> {
        let turn = self.turn().filter(|_| !self.users.has_rescue)?;
        self.users.has_rescue = true;
        Some(turn)
    }

    /// Ready when the handler's turn is over: with the next one, if that has begun, and else with
    /// the end of the rescue. What has happened meanwhile began no other rescue.
    pub(in crate::websocket) fn poll_rescue(&mut self, turn: u32) -> Poll<Option<u32>> {
        let current = self.turn().filter(|_| !self.is_over());
        if current == Some(turn) {
            return Poll::Pending;
        }
        self.users.has_rescue = current.is_some();
        Poll::Ready(current)
    }

    pub(in crate::websocket) fn end_rescue(&mut self) {
        self.users.has_rescue = false;
    }

    /// A sender has left something to be written. Returns the runtime in which another task than
    /// the driver is to write it now, which [ends](Self::end_delivery) the delivery.
    pub(in crate::websocket) fn begin_delivery(&mut self, deferred: &mut Deferred) -> Option<runtime::Id> {
        if self.port.link.is_none() {
            // Whoever has it looks again, or has another look.
            self.port.is_wanted = true;
            return None;
        }
        if self.users.is_delivering || !self.port.is_writable {
            return None;
        }
        match self.users.home {
            Some(_) => self.users.is_delivering = true,
            None => self.waiters.wake_driver(deferred),
        }
        self.users.home
    }

    pub(in crate::websocket) fn end_delivery(&mut self) {
        self.users.is_delivering = false;
    }

    pub(in crate::websocket) fn wake_driver(&mut self, deferred: &mut Deferred) {
        self.waiters.wake_driver(deferred);
    }

    /// Returns what the task of `waker` may do, which waits in `seat`.
    pub(in crate::websocket) fn caller(&mut self, seat: &Seat<'_>, waker: &Waker) -> Caller {
        let is_driver = matches!(seat, Seat::Driver | Seat::Waiter(_, Event::Drive, _));
        let reads = matches!(seat, Seat::Reader | Seat::Waiter(_, Event::Over, _));
        // The driver looks at the connection before the handler's first turn, in which that may
        // receive and answer what is there.
        let is_before_handler = matches!(seat, Seat::Driver) && self.users.is_polling && self.users.turn == 1;
        Caller {
            is_driver: is_driver || !self.is_driven(),
            reads,
            receives_ahead: (is_driver || !self.is_driven()) && !reads && !is_before_handler,
            // Whoever waits for something to be written writes it.
            writes: is_driver
                || matches!(seat, Seat::Waiter(_, Event::Written(_), _))
                || !self.is_corked(waker),
        }
    }

    /// Notes that a task waits, unless it is noted already. Returns whether it is; if not, `spare`
    /// is to be its waker.
    pub(in crate::websocket) fn sit_down(
        &mut self,
        seat: &mut Seat<'_>,
        waker: &Waker,
        spare: &mut Option<Waker>,
        deferred: &mut Deferred,
    ) -> bool {
        let is_known = match seat {
            // A handler that receives is woken with its driver.
            Seat::Reader if self.waiters.is_driver(waker) => {
                self.waiters.read_as_driver();
                true
            }
            Seat::Reader => self.waiters.is_reader(waker),
            Seat::Driver => self.waiters.is_driver(waker),
            Seat::Waiter(_, _, place) => place.is_some_and(|place| self.waiters.is_waiting(place, waker)),
        };
        if is_known {
            return true;
        }
        let Some(waker) = spare.take() else { return false };
        match seat {
            Seat::Reader => self.waiters.set_reader(waker, deferred),
            Seat::Driver => self.waiters.set_driver(waker, self.users.drivers == 1, deferred),
            Seat::Waiter(kind, event, place) => {
                let place = *place.get_or_insert_with(|| self.waiters.place(*kind, *event));
                self.waiters.wait(place, waker, deferred);
            }
        }
        true
    }

    /// Lets others have their turn before the task in `seat` goes on. Returns whether that is to be
    /// woken for it, and the driver, if that is as well: a reader that does not come back must not
    /// keep the driver from its work.
    pub(super) fn rest(
        &mut self,
        seat: &Seat<'_>,
        waker: &Waker,
        deferred: &mut Deferred,
    ) -> (bool, Option<Waker>) {
        let is_reader = matches!(seat, Seat::Reader);
        if is_reader {
            self.waiters.leave_reader(deferred);
            if self.users.is_polling && self.waiters.is_driver(waker) {
                // The driver looks next, and rests.
                return (false, None);
            }
        }
        self.users.rest();
        (true, if is_reader { self.waiters.take_driver() } else { None })
    }

    /// A task has what it waited for.
    pub(in crate::websocket) fn leave_seat(&mut self, seat: &mut Seat<'_>, deferred: &mut Deferred) {
        match seat {
            Seat::Reader => drop(self.waiters.leave_reader(deferred)),
            Seat::Driver => {}
            Seat::Waiter(_, _, place) => {
                if let Some(place) = place.take() {
                    self.waiters.leave(place, deferred);
                }
            }
        }
    }

    /// A task does not wait any more. If it was woken and has not looked, another one is woken in
    /// its place.
    pub(in crate::websocket) fn stand_up(&mut self, place: Option<Place>, deferred: &mut Deferred) {
        if let Some(place) = place {
            if !self.waiters.leave(place, deferred) {
                self.pass_on(place.event(), deferred);
            }
        }
    }

    /// The reader does not wait any more. Returns whether it had been woken, and the driver cannot
    /// look in its place until the handler yields.
    pub(in crate::websocket) fn reader_stands_up(&mut self, deferred: &mut Deferred) -> bool {
        let was_woken = !self.waiters.leave_reader(deferred);
        if was_woken {
            self.waiters.wake_driver(deferred);
            if !self.is_driven() {
                self.waiters.wake_any(deferred);
            }
        }
        was_woken && self.users.is_polling
    }

    fn pass_on(&mut self, event: Event, deferred: &mut Deferred) {
        match event {
            Event::Room if self.has_room() => self.waiters.wake_first(Event::Room, deferred),
            Event::Compressor => self.waiters.wake_first(Event::Compressor, deferred),
            _ => {}
        }
        if !self.is_driven() || self.users.is_polling {
            self.waiters.wake_reader(deferred);
            self.waiters.wake_any(deferred);
        }
    }

    /// Returns whether there is a connection that nobody receives from, nor looks after.
    pub(in crate::websocket) fn is_left(&self) -> bool {
        !self.users.has_reader && !self.is_driven() && !self.is_over()
    }

    /// Gives the connection up, as nobody looks after it any more: what can be done at once was
    /// done.
    pub(in crate::websocket) fn abort(&mut self, deferred: &mut Deferred) {
        self.handle(Input::Abort, deferred);
    }

    /// The handler has returned an error: the peer is told 1011, also where all that has closed the
    /// connection is that the handler dropped its handles, and that Close has not left. Returns
    /// `false` if the connection is closed by something else.
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

    /// The handler has panicked; its socket may be elsewhere, and go on there.
    pub(in crate::websocket) fn on_panic(&mut self, deferred: &mut Deferred) {
        self.begin_close(Some(CloseCode::INTERNAL_ERROR), CloseReason::default(), deferred);
    }
}
