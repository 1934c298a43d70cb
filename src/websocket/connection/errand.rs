//! The next piece of work for a connection.

use std::{
    io, mem,
    task::{Context, Poll},
};

use tokio::time::Instant;
use tungstenite::protocol::Role;

use super::{
    alarm::Alarm,
    deadlines::Due,
    deferred::Deferred,
    lifecycle::{Input, State},
    link::{Link, Work},
    state::Connection,
};
use crate::{
    close::{CloseCode, CloseReason, PongTimeout},
    shutdown::Stage,
    websocket::connection_guard::ConnectionGuard,
};

/// What a task may do for a connection.
#[derive(Clone, Copy, Debug)]
pub(in crate::websocket) struct Caller {
    /// Whether it drives the connection: it is the driver, or a driver is missing.
    pub(super) is_driver: bool,
    /// Whether it receives messages.
    pub(super) reads: bool,
    /// Whether it receives messages before the application asks for them.
    pub(super) receives_ahead: bool,
    /// Whether it writes. It does not if the handler's task may send more before it yields.
    pub(super) writes: bool,
}

impl<IO> Connection<IO> {
    /// Returns the next piece of work outside of the lock. `cx` contains the connection's own
    /// waker.
    pub(super) fn next_errand(
        &mut self,
        caller: Caller,
        cx: &mut Context<'_>,
        deferred: &mut Deferred,
    ) -> Option<Errand<IO>> {
        loop {
            if caller.is_driver {
                self.poll_shutdown(cx, deferred);
            }
            if self.is_over() {
                return None;
            }
            let before = self.lifecycle.state();
            if caller.receives_ahead && !self.waiters.is_reader_waiting() {
                self.receive_ahead(deferred);
            }
            let work = self.next_io(caller, deferred);
            if self.lifecycle.state() != before {
                continue;
            }
            if let Some(work) = work {
                return Some(Errand::Io(self.take_link(work)?, work));
            }
            if !caller.is_driver {
                return None;
            }
            // While the connection is open, deadlines are only postponed.
            let is_usual = self.lifecycle.is_open() && !self.deadlines.is_advanced();
            if is_usual && (self.users.is_setting_alarm || self.alarm.is_ahead()) {
                return None;
            }
            if self.users.is_setting_alarm {
                // Another task is setting the alarm, and will look at the new deadline afterwards.
                self.deadlines.set_advanced(true);
                return None;
            }
            let now = Instant::now();
            self.deadlines.set_advanced(false);
            let (at, due) = self.deadlines.next(&self.situation())?;
            if now < at {
                if self.alarm.is_set(now, at) {
                    return None;
                }
                self.users.is_setting_alarm = true;
                return Some(Errand::Alarm(mem::take(&mut self.alarm), at));
            }
            if due == Due::Close && self.may_shut_down() {
                return Some(Errand::Io(self.take_link(Work::ShutDown)?, Work::ShutDown));
            }
            self.perform(due, deferred);
        }
    }

    /// Returns `true` if a connection that is being given up can still end its side of the stream,
    /// which the peer may notice.
    fn may_shut_down(&self) -> bool {
        let is_shut_down = self.slot.link.as_ref().is_none_or(|link| link.is_shut_down());
        !is_shut_down && self.may_write() && !self.outbox.has_output()
    }

    /// Returns `true` if the IO may accept data.
    fn may_write(&self) -> bool {
        self.slot.is_writable && !(self.slot.has_woken_itself && self.turn.budget.is_spent())
    }

    fn next_io(&mut self, caller: Caller, deferred: &mut Deferred) -> Option<Work> {
        let state = self.lifecycle.state();
        if state == State::Closed {
            return None;
        }
        let (is_servers_turn, may_write) = (self.is_servers_turn(), self.may_write());
        let Some(link) = &mut self.slot.link else {
            self.slot.is_wanted = true;
            if self.outbox.has_output() {
                self.turn.note_write_due();
            }
            return None;
        };
        // Writing precedes reading, so that an answer is sent before the next message is read.
        if self.outbox.has_output() {
            if caller.writes && may_write {
                if !link.has_flight() {
                    if let Some(flight) = self.outbox.next_flight() {
                        link.set_flight(flight);
                        self.deadlines.writing_began();
                    }
                }
                // After a server's answer to a Close, these callers shut this side down at once.
                let ends = caller.reads || caller.is_driver && self.users.drivers > 0;
                let is_answer = state == State::CloseReceived && self.terms.role == Role::Server;
                let is_last = ends && is_answer && self.outbox.is_all_in_flight();
                return Some(if is_last { Work::WriteLast } else { Work::Write });
            }
        } else if state != State::Open {
            self.deadlines.close_left(Instant::now);
            if matches!(state, State::CloseReceived | State::Failed) {
                self.handle(Input::Flushed, deferred);
                return None;
            }
            if state == State::Lingering {
                // The stream is not closed yet: closing a descriptor with unread input resets the
                // connection, which destroys data that the peer has not read yet.
                let is_waiting_for_server = is_servers_turn && !link.has_ended();
                if !is_waiting_for_server && !link.is_shut_down() {
                    return may_write.then_some(Work::ShutDown);
                }
                // After the peer's Close, the rest of the input is read, because TLS sends its own
                // end after it.
                let is_read =
                    !is_waiting_for_server && (!self.slot.is_readable || self.turn.budget.is_spent());
                if link.has_ended() || is_read && self.lifecycle.is_closed_by_peer() {
                    self.handle(Input::Drained, deferred);
                    return None;
                }
            }
        }
        if !self.slot.is_readable || link.has_ended() || self.turn.budget.is_spent() {
            return None;
        }
        match state {
            State::Open | State::CloseSent => {
                let reads = caller.reads || caller.is_driver && self.inbox.has_space();
                // Data that was already read is handled first: it was not decoded because there was
                // no space for messages.
                (reads && link.unread() == 0).then_some(Work::Read)
            }
            State::Lingering | State::Failed => Some(Work::Discard),
            // No data may follow the peer's Close.
            State::CloseReceived | State::Closed | State::Detached => None,
        }
    }

    /// Returns `true` if the server has to close the connection first, after both Closes (RFC 6455
    /// §7.1.1).
    fn is_servers_turn(&self) -> bool {
        self.terms.role == Role::Client
            && self.lifecycle.state() == State::Lingering
            && self.lifecycle.is_closed_by_peer()
    }

    /// Handles the stages of a shutdown.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>, deferred: &mut Deferred) {
        while let Some(Poll::Ready(stage)) = self.terms.guard.as_mut().map(|guard| guard.poll_shutdown(cx)) {
            match stage {
                Stage::Running => {}
                Stage::Spreading => {
                    self.deadlines
                        .set_going_away(self.terms.guard.as_ref().and_then(ConnectionGuard::take_turn));
                }
                Stage::Draining => self.go_away(deferred),
                Stage::Dropping => {
                    self.users.is_dropped = true;
                    self.handle(Input::Abort, deferred);
                }
            }
        }
    }

    /// Begins the closing handshake of a shutdown.
    fn go_away(&mut self, deferred: &mut Deferred) {
        self.begin_close(Some(CloseCode::GOING_AWAY), CloseReason::default(), deferred);
    }

    /// Performs a due action.
    fn perform(&mut self, due: Due, deferred: &mut Deferred) {
        match due {
            Due::Ping => {
                self.outbox.push_ping();
                self.deadlines.ping_queued();
            }
            Due::PongTimeout => {
                self.set_error(io::Error::from(PongTimeout).into());
                self.outbox.set_error(io::Error::from(PongTimeout).into());
                self.handle(Input::PongTimeout, deferred);
                if self.deadlines.blocked_since().is_some() {
                    // The IO accepts no data, not even a Close.
                    self.handle(Input::Abort, deferred);
                }
            }
            Due::GoingAway => self.go_away(deferred),
            // The Close is received next.
            Due::PeerClose => self.deadlines.end_close_hold(),
            // If a server leaves the connection open after both Closes, no data is lost.
            Due::Close if self.is_servers_turn() => self.handle(Input::Drained, deferred),
            Due::Close => self.handle(Input::DeadlineExpired, deferred),
        }
    }
}

/// A piece of work outside of the lock.
pub(super) enum Errand<IO> {
    /// Use the IO, which is foreign code.
    Io(Box<Link<IO>>, Work),
    /// Set the alarm, which may wake the connection at once.
    Alarm(Alarm, Instant),
}

#[cfg(test)]
mod tests;
