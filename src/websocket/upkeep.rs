//! What has to be done for a connection beside reading: writing, timers, the end.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::{coop::has_budget_remaining, unconstrained},
    time::Instant,
};

use super::{
    closing::{CloseCode, CloseReason},
    connection::{Connection, Phase},
    inner::{Size, stream},
    keepalive::Due,
};
use crate::shutdown::Stage;

/// Who reads or sends more bytes than this at a time is busy.
const BUSY: usize = 1024;

/// How long nobody is to have been busy until large buffers are given back.
const SHRINK_AFTER: Duration = Duration::from_millis(250);

impl<IO: AsyncRead + AsyncWrite + Unpin> Connection<IO> {
    /// The driver, whose task is `driver`, is about to poll the handler.
    pub(super) fn cork(&mut self, driver: &Waker) {
        self.wakers.cork(driver);
    }

    /// The handler waits, or is done: what it sent goes out, and the rest of the driver's work is done.
    ///
    /// Ready when the connection is over; then [`is_dropped`](Self::is_dropped) tells whether the handler is, too.
    pub(super) fn uncork(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let over = self.poll_drive(cx);
        self.wakers.uncork();
        over
    }

    fn poll_drive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.phase != Phase::Done {
            let phase = self.phase;
            if phase == Phase::Closing && (self.is_abandoned || self.is_closed_by_peer()) {
                // Nobody else reads on to the end.
                self.poll_discard(cx);
            }
            self.poll_upkeep(cx);
            if self.phase == phase {
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }

    /// Does what can be done now, in the present phase. What changes the phase returns at once.
    ///
    /// A handler that has used up its task's budget must not keep what it sent, nor hold back the time.
    pub(super) fn poll_upkeep(&mut self, cx: &mut Context<'_>) {
        if has_budget_remaining() {
            return self.poll_phase(cx);
        }
        let upkeep = unconstrained(poll_fn(|cx| {
            self.poll_phase(cx);
            Poll::Ready(())
        }));
        let _ = pin!(upkeep).poll(cx);
    }

    fn poll_phase(&mut self, cx: &mut Context<'_>) {
        self.poll_shutdown(cx);
        match self.phase {
            Phase::Open => {
                if !self.outbox.is_empty() {
                    let _ = self.poll_write(cx);
                }
                self.poll_timers(cx);
            }
            Phase::Closing => {
                if !self.outbox.is_empty() {
                    let _ = self.poll_write(cx);
                }
                self.poll_deadline(cx);
            }
            Phase::Failing => match self.poll_write(cx) {
                Poll::Ready(()) => self.finish(),
                Poll::Pending => self.poll_deadline(cx),
            },
            Phase::Finishing => match self.poll_finish(cx) {
                Poll::Ready(()) => self.end(),
                Poll::Pending => self.poll_deadline(cx),
            },
            Phase::Done => {}
        }
    }

    /// Follows the shutdown.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) {
        while let Some(Poll::Ready(stage)) = self.permit.as_mut().map(|permit| permit.poll_shutdown(cx)) {
            if stage == Stage::Dropping {
                self.is_dropped = true;
                self.end();
            } else {
                self.begin_close(CloseCode::GOING_AWAY, CloseReason::default());
            }
        }
    }

    /// Pings a silent peer, gives up one that stays silent, and fits the buffers to the traffic.
    fn poll_timers(&mut self, cx: &mut Context<'_>) {
        let transport = self.stream().get_mut();
        let read = transport.take_largest_read();
        let is_busy = read.max(self.outbox.take_largest()) > BUSY;
        if is_busy && self.size == Size::Small {
            self.resize(Size::Large);
        }
        let now = Instant::now();
        if read > 0 {
            self.keepalive.heard(now);
        }
        if is_busy {
            self.busy = now;
            self.shrink_at.get_or_insert(now + SHRINK_AFTER);
        }
        loop {
            let keepalive = self.keepalive.next();
            let Some(at) = keepalive.map(|(at, _)| at).into_iter().chain(self.shrink_at).min() else {
                return;
            };
            if self.timer.poll(cx, now, at).is_pending() {
                return;
            }
            if self.shrink_at == Some(at) {
                let idle_at = self.busy + SHRINK_AFTER;
                self.shrink_at = if idle_at > at {
                    Some(idle_at)
                } else {
                    // In the middle of a message there is no hurry to ask again.
                    (!self.resize(Size::Small)).then(|| Instant::now() + 16 * SHRINK_AFTER)
                };
                continue;
            }
            match keepalive {
                Some((_, Due::Ping)) => {
                    self.keepalive.pinged(Instant::now());
                    if let Some(stream) = &mut self.stream {
                        self.outbox.push_ping(stream);
                    }
                    let _ = self.poll_write(cx);
                }
                // An application that does not read leaves the answer lying in the socket.
                Some((_, Due::Timeout)) if self.stream().get_mut().poll_peek(cx).is_ready() => {
                    let _ = self.stream().get_mut().take_largest_read();
                    self.keepalive.heard(Instant::now());
                    self.wakers.wake_reader();
                }
                Some((_, Due::Timeout)) => return self.time_out(cx),
                None => {}
            }
        }
    }

    /// Replaces the stream by one with buffers of another size, if nothing is in them: tungstenite's read buffer has
    /// the size it was made with, and what its buffers grow to they keep.
    fn resize(&mut self, size: Size) -> bool {
        let is_empty = self.outbox.is_empty() && self.stream().get_mut().at_rest();
        if is_empty {
            if let Some(old) = self.stream.take() {
                self.stream = Some(stream(old.into_inner(), &self.config, size));
                self.size = size;
            }
            // The IO only knows the old stream's wakers.
            self.wakers.wake_reader();
        }
        is_empty
    }

    /// Waits no longer than the end may take.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) {
        if self.deadline.is_some_and(|deadline| self.timer.poll(cx, Instant::now(), deadline).is_ready()) {
            let _ = Pin::new(self.stream().get_mut()).poll_shutdown(cx);
            self.end();
        }
    }

    /// Writes what is left and shuts our side down. After a failure it reads until the peer has shut down its own:
    /// closing a socket in which something is still unread would reset the connection, and a reset overtakes the
    /// Close frame that the peer has not read yet. After the peer's Close there is nothing more to come.
    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.outbox.is_empty() {
            ready!(self.poll_write(cx));
        }
        if !self.is_shut_down {
            let _ = ready!(Pin::new(self.stream().get_mut()).poll_shutdown(cx));
            self.is_shut_down = true;
        }
        let drained = self.stream().get_mut().poll_drain(cx);
        if self.is_closed_by_peer() { Poll::Ready(()) } else { drained }
    }
}
