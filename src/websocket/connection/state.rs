//! An open connection, behind the lock of [`Shared`](crate::websocket::shared::Shared).

use std::{io, sync::Arc};

use tokio::time::Instant;
use tungstenite::{Error, protocol::Role};

use super::{
    alarm::Alarm,
    deadlines::{Deadlines, Situation},
    deferred::Deferred,
    ending::Ending,
    inbox::Inbox,
    lifecycle::{Input, Lifecycle, State},
    link::Link,
    meter::Meter,
    outbox::Outbox,
    turn::Turn,
    users::Users,
    waiters::{Event, Waiters},
};
use crate::{
    close::CloseInfo,
    codec::{Decoder, Encoder, Limits},
    config::ConfigValues,
    trace::{Scope, Trace},
    websocket::{connection_guard::ConnectionGuard, masking_key::random_key, negotiated::Negotiated},
};

/// An open connection. It is locked only briefly: under the lock, no task waits, and no foreign
/// code is called.
///
/// There are five kinds of methods: getters; *operations*, which the handles call until they are
/// ready (receive.rs, send.rs, pieces.rs, detach.rs); [`next_errand`](Self::next_errand), which
/// determines the next work with the IO (errand.rs); [`put_back`](Self::put_back), which handles
/// its result (outcome.rs, and incoming.rs for received data); and the turns and waiters of tasks
/// (drive.rs).
#[derive(Debug)]
pub(in crate::websocket) struct Connection<IO> {
    pub(super) slot: LinkSlot<IO>,
    pub(super) lifecycle: Lifecycle,
    pub(super) deadlines: Deadlines,
    /// Without a timer while a task [is setting it](Users::is_setting_alarm).
    pub(super) alarm: Alarm,
    pub(super) waiters: Waiters,
    pub(super) inbox: Inbox,
    pub(super) outbox: Outbox,
    pub(super) users: Users,
    pub(super) turn: Turn,
    pub(super) terms: Terms,
}

/// The link to the peer, and whether the IO is ready.
#[derive(Debug)]
pub(super) struct LinkSlot<IO> {
    /// `None` while a task uses it, and once the connection is over.
    pub(super) link: Option<Box<Link<IO>>>,
    /// Whether a task wanted the link while it was taken.
    pub(super) is_wanted: bool,
    /// Whether the IO may have data to read, and may accept data. If not, it will wake the
    /// connection.
    pub(super) is_readable: bool,
    pub(super) is_writable: bool,
    /// Whether the IO woke itself while it accepted nothing. Other tasks run before the next write.
    pub(super) has_woken_itself: bool,
    /// Erases the type of a link, so that it can be dropped after the lock is released.
    erase: fn(Box<Link<IO>>) -> Box<dyn Send>,
}

/// What the connection was opened with: its negotiated and configured values, and what observes it.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) role: Role,
    pub(super) config: Arc<ConfigValues>,
    pub(super) guard: Option<ConnectionGuard>,
    pub(super) trace: Option<Trace>,
    pub(super) meter: Meter,
    /// Whether messages may be compressed.
    pub(super) is_compressed: bool,
    /// Whether messages are received in pieces as they arrive.
    pub(super) is_in_pieces: bool,
}

impl<IO: Send + 'static> Connection<IO> {
    pub(in crate::websocket) fn new(io: IO, unread: &[u8], negotiated: Negotiated) -> Self {
        let Negotiated { id, role, config, guard, trace, deflate, protocol: _ } = negotiated;
        let limits =
            Limits { max_message_size: config.max_message_size, max_frame_size: config.max_frame_size };
        let inflater = deflate.inflater();
        let is_compressed = inflater.is_on();
        let is_in_pieces = config.receive_in_chunks;
        let decoder = Decoder::new(role, limits, inflater);
        let keys = match role {
            Role::Server => None,
            Role::Client => Some(random_key as fn() -> _),
        };
        let encoder = Encoder::new(config.max_outgoing_frame_size, keys);
        let mut meter = Meter::new(&config, id);
        meter.read(unread.len());
        let link = Box::new(Link::new(io, unread, decoder));
        Self {
            slot: LinkSlot {
                link: Some(link),
                is_wanted: false,
                is_readable: true,
                is_writable: true,
                has_woken_itself: false,
                erase: |link| link,
            },
            lifecycle: Lifecycle::new(),
            deadlines: Deadlines::new(Instant::now()),
            alarm: Alarm::default(),
            waiters: Waiters::default(),
            inbox: Inbox::default(),
            outbox: Outbox::new(encoder, config.max_write_buffer_size, deflate.deflater()),
            users: Users::new(),
            turn: Turn::new(),
            terms: Terms { role, config, guard: Some(guard), trace, meter, is_compressed, is_in_pieces },
        }
    }
}

impl<IO> Connection<IO> {
    /// Returns the tracing scope in which the handler runs.
    pub(in crate::websocket) fn scope(&self) -> Scope {
        self.terms.trace.as_ref().map(Trace::scope).unwrap_or_default()
    }

    /// Returns `true` if messages may be sent.
    pub(in crate::websocket) fn is_open(&self) -> bool {
        self.lifecycle.is_open()
    }

    /// Returns `true` if the IO is no longer used.
    pub(in crate::websocket) fn is_over(&self) -> bool {
        self.lifecycle.is_over()
    }

    /// Returns `true` if the driver has no more work. A handler that has taken the IO out must
    /// still be dropped by a shutdown, so in this case the driver continues.
    pub(in crate::websocket) fn is_done(&self, has_handler: bool) -> bool {
        match self.lifecycle.state() {
            State::Closed => true,
            State::Detached => !has_handler,
            _ => false,
        }
    }

    /// Returns `true` if a shutdown has dropped the connection and its handler.
    pub(in crate::websocket) fn is_dropped(&self) -> bool {
        self.users.is_dropped
    }

    pub(in crate::websocket) fn is_driven(&self) -> bool {
        self.users.drivers > 0
    }

    /// Returns how the connection was closed or is being closed, or `None` while it is open.
    pub(in crate::websocket) fn close_info(&self) -> Option<CloseInfo> {
        self.lifecycle.close_info()
    }

    pub(in crate::websocket) fn role(&self) -> Role {
        self.terms.role
    }

    /// Returns the limits of a message and of a frame, in bytes.
    pub(in crate::websocket) fn limits(&self) -> (usize, usize) {
        (self.terms.config.max_message_size, self.terms.config.max_frame_size)
    }

    /// Returns since when the IO accepts no data although some is waiting to be written.
    pub(in crate::websocket) fn blocked_since(&self) -> Option<Instant> {
        self.deadlines.blocked_since()
    }

    /// Returns `true` if data may have arrived that was not handled, because the inbox is full or
    /// the task has to yield.
    pub(super) fn is_unread(&self) -> bool {
        let is_in_link = self.slot.link.as_ref().is_none_or(|link| link.unread() > 0);
        is_in_link || self.turn.budget.is_spent() || !self.inbox.has_space()
    }

    pub(super) fn situation(&self) -> Situation<'_> {
        Situation {
            state: self.lifecycle.state(),
            has_output: self.outbox.has_output(),
            is_unread: self.is_unread(),
            config: &self.terms.config,
        }
    }

    /// Passes an input to the lifecycle, and performs its effects.
    pub(super) fn handle(&mut self, input: Input, deferred: &mut Deferred) {
        let before = self.lifecycle.state();
        if matches!(input, Input::DeadlineExpired) && !self.is_over() {
            self.lifecycle.note_error(close_timed_out().to_string());
        }
        let effects = self.lifecycle.handle(input);
        if effects.discard_queued {
            self.outbox.clear(deferred);
        }
        if let Some(frame) = effects.queue_close {
            self.outbox.push_close(frame);
        }
        let state = self.lifecycle.state();
        if state == before {
            return;
        }
        self.waiters.wake_driver(deferred);
        self.waiters.wake_reader(deferred);
        let last = if self.is_over() { Event::Over } else { Event::Closed };
        self.waiters.wake_all(Event::Drive, last, deferred);
        match state {
            State::Closed => self.finish(deferred),
            // The guard is kept, because the application still uses the IO.
            State::Detached => self.report_end(None, deferred),
            _ => {
                self.deadlines.closing(Instant::now());
                if !self.is_driven() {
                    self.waiters.wake_any(deferred);
                }
            }
        }
    }

    /// Releases all resources of the connection, whose IO is no longer used.
    fn finish(&mut self, deferred: &mut Deferred) {
        let is_cut = self.lifecycle.is_cut();
        self.outbox.fail(is_cut.then(|| close_timed_out().into()), deferred);
        if let Some(link) = self.slot.link.take() {
            self.drop_link(link, deferred);
        }
        let mut guard = self.terms.guard.take();
        if let (true, Some(guard)) = (is_cut, &mut guard) {
            guard.note_cut();
        }
        self.report_end(guard, deferred);
    }

    /// Reports the end of the connection, once.
    pub(super) fn report_end(&mut self, guard: Option<ConnectionGuard>, deferred: &mut Deferred) {
        let summary = self.terms.meter.summary(self.lifecycle.close_info().unwrap_or_default());
        let (trace, config) = (self.terms.trace.take(), Arc::clone(&self.terms.config));
        deferred.end(Ending { trace, summary, config, guard });
    }

    /// Drops the link of a connection that is over.
    pub(super) fn drop_link(&mut self, link: Box<Link<IO>>, deferred: &mut Deferred) {
        deferred.drop_boxed((self.slot.erase)(link));
    }

    /// Sets the error that ended the connection, for the next receive operation. It must not be an
    /// error of the IO, because formatting it would run foreign code.
    pub(super) fn set_error(&mut self, error: Error) {
        self.lifecycle.note_error(error.to_string());
        self.inbox.set_error(error);
    }
}

/// Returns the error of a connection whose closing handshake timed out.
pub(super) fn close_timed_out() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the closing handshake made no progress in time")
}

#[cfg(test)]
mod tests;
