//! Results of work with the IO, and other events of a connection.

use std::{io, task::Poll};

use tokio::time::Instant;

use super::{
    alarm::Alarm,
    deferred::Deferred,
    lifecycle::{Input, State},
    link::{Link, Outcome, Work},
    state::Connection,
    waiters::Event,
};

impl<IO> Connection<IO> {
    /// Takes the link for a piece of work.
    pub(super) fn take_link(&mut self, work: Work) -> Option<Box<Link<IO>>> {
        match work {
            Work::Read | Work::Discard => self.slot.is_readable = false,
            Work::Write | Work::WriteLast | Work::ShutDown => self.slot.is_writable = false,
        }
        self.slot.link.take()
    }

    /// Takes the link when it is available, to inspect the IO. Returns `None` when the connection
    /// is over.
    pub(super) fn poll_link(&mut self) -> Poll<Option<Box<Link<IO>>>> {
        match self.slot.link.take() {
            None if !self.is_over() => {
                self.slot.is_wanted = true;
                Poll::Pending
            }
            link => Poll::Ready(link),
        }
    }

    /// Puts the link back.
    pub(super) fn return_link(&mut self, link: Box<Link<IO>>, deferred: &mut Deferred) {
        if self.lifecycle.state() == State::Closed {
            self.drop_link(link, deferred);
            return;
        }
        self.slot.link = Some(link);
        if std::mem::take(&mut self.slot.is_wanted) {
            self.waiters.wake_driver(deferred);
            self.waiters.wake_reader(deferred);
            // These tasks wait for the link itself. Waking another task in their place would not
            // serve them.
            self.waiters.wake_all(Event::Drive, Event::Link, deferred);
            self.waiters.wake_all(Event::Written(u64::MAX), Event::Written(u64::MAX), deferred);
            self.waiters.wake_any(deferred);
        }
    }

    /// Puts the link back, and handles the result of the work.
    pub(super) fn put_back(&mut self, link: Box<Link<IO>>, outcome: Outcome, deferred: &mut Deferred) {
        let in_flight = link.has_flight().then(|| link.in_flight());
        self.return_link(link, deferred);
        if self.lifecycle.state() == State::Closed {
            deferred.drop(outcome);
            return;
        }
        match outcome {
            Outcome::Read { bytes, is_pending, decoded } => {
                self.slot.is_readable |= !is_pending;
                self.terms.meter.read(bytes);
                if bytes > 0 {
                    let now = Instant::now();
                    self.deadlines.received(now);
                    if self.deadlines.is_advanced() {
                        self.waiters.wake_driver(deferred);
                    }
                    self.turn.cork.note_read(now);
                }
                if !self.lifecycle.is_reading() || bytes == 0 {
                    // A read without data also counts as work, because some IO wakes itself and is
                    // polled again at once.
                    self.turn.budget.count(bytes);
                }
                if let Some(decoded) = decoded {
                    match self.accept(*decoded, deferred) {
                        // It is counted when it is received.
                        Some(message) => self.inbox.push(message),
                        // The bytes cost less, because they are not copied.
                        None => self.turn.budget.count(bytes / 2),
                    }
                }
            }
            Outcome::Written { bytes, is_blocked, error } => {
                self.note_writable(!is_blocked);
                self.terms.meter.written(bytes);
                let was_blocked = self.deadlines.blocked_since().is_some();
                self.deadlines.written(bytes, is_blocked, Instant::now);
                if is_blocked && !was_blocked && (self.is_unread() || self.deadlines.is_delayed()) {
                    // The driver has set a later timer, or with unread data none.
                    self.waiters.wake_driver(deferred);
                }
                self.outbox.set_in_flight(in_flight);
                match error {
                    Some(error) => {
                        self.outbox.fail(Some(error.into()), deferred);
                        self.handle(Input::WriteBroke, deferred);
                        self.waiters.wake_all(Event::Space, Event::Closed, deferred);
                    }
                    None => self.wake_senders(in_flight.is_none(), deferred),
                }
            }
            Outcome::ShutDown { is_pending } => self.note_writable(!is_pending),
        }
    }

    /// Notes whether the IO accepted everything.
    fn note_writable(&mut self, is_writable: bool) {
        self.slot.has_woken_itself = self.slot.is_writable && !is_writable;
        if self.slot.has_woken_itself {
            self.turn.budget.spend();
        }
        self.slot.is_writable |= is_writable;
    }

    fn wake_senders(&mut self, is_flushed: bool, deferred: &mut Deferred) {
        if is_flushed {
            if !self.outbox.has_output() {
                self.turn.take_write_due();
            }
            self.turn.cork.release();
            self.deadlines.writing_ended(Instant::now);
            let written = if self.outbox.has_output() { self.outbox.written() } else { u64::MAX };
            self.waiters.wake_all(Event::Written(0), Event::Written(written), deferred);
        }
        if self.outbox.has_space() {
            self.waiters.wake_first(Event::Space, deferred);
        }
    }

    /// Handles a panic of the IO, which is lost.
    pub(super) fn lose_link(&mut self, deferred: &mut Deferred) {
        let error = io::Error::other("the IO panicked");
        self.set_error(error.into());
        self.outbox.fail(Some(io::Error::other("the IO panicked").into()), deferred);
        self.handle(Input::Abort, deferred);
    }

    /// Handles a wake-up: the IO may be readable or writable, or the alarm has expired.
    pub(in crate::websocket) fn on_event(&mut self, deferred: &mut Deferred) {
        self.slot.is_readable = true;
        self.slot.is_writable = true;
        self.waiters.wake_driver(deferred);
        self.waiters.wake_reader(deferred);
        self.waiters.wake_all(Event::Drive, Event::Drive, deferred);
        if self.lacks_driver() {
            self.waiters.wake_any(deferred);
        }
    }

    /// Puts the alarm back.
    pub(super) fn put_alarm(&mut self, alarm: Alarm) {
        self.alarm = alarm;
        self.users.is_setting_alarm = false;
    }
}
