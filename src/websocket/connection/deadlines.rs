//! The deadlines of a connection, as a pure table: time is an argument.

use std::{mem, time::Duration};

use tokio::time::Instant;

use super::{backlog::Backlog, lifecycle::State};
use crate::config::ConfigValues;

/// The time limit for a peer that accepts nothing, if keepalive does not set one.
const STALL_TIMEOUT: Duration = Duration::from_secs(40);

/// The limit of a closing handshake, in multiples of its timeout. It applies once the Close is
/// written, or while the peer accepts no data, regardless of how much the peer sends.
const MAX_TIMEOUTS: u32 = 12;

/// How long handling of the peer's Close is delayed so that the application can answer earlier
/// messages. It counts from when the Close was noticed or the last of these messages was taken.
const ANSWER_GRACE: Duration = Duration::from_millis(100);

/// The deadlines of a connection.
///
/// They count from progress: bytes that arrive, and bytes that the IO accepts after it has accepted
/// none. Bytes that the IO accepts immediately do not show that the peer is alive, because the
/// system's buffer takes them.
#[derive(Debug)]
pub(super) struct Deadlines {
    /// When the last progress was made.
    progress: Instant,
    ping: Ping,
    /// Since when the IO accepts no data although some is waiting to be written.
    blocked: Option<Instant>,
    backlog: Backlog,
    /// The deadlines of the end. Boxed, because an open connection rarely has any.
    end: Option<Box<EndTimes>>,
    /// Whether the next deadline may be earlier than when it was last looked at.
    is_advanced: bool,
}

/// What the deadlines of the end count from.
#[derive(Debug, Default)]
struct EndTimes {
    /// When a shutdown that spreads its Closes sends the Close of this connection.
    going_away: Option<Instant>,
    close_hold: CloseHold,
    closing: Option<ClosingTimes>,
}

/// Whether the peer's Close is delayed until the application has answered earlier messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum CloseHold {
    #[default]
    Never,
    Until(Instant),
    Over,
}

/// When the closing handshake began, and when its last byte was written.
#[derive(Clone, Copy, Debug)]
struct ClosingTimes {
    began: Instant,
    left: Option<Instant>,
}

/// The progress of the keepalive ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ping {
    /// No ping is outstanding.
    Idle,
    /// The ping waits to be written.
    Queued,
    /// The ping is being written.
    Writing,
    /// The ping was written at this time.
    Left(Instant),
}

/// The action that is due at a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Send a ping.
    Ping,
    /// End the connection, because the peer did not answer the ping.
    PongTimeout,
    /// Send the Close of a shutdown.
    GoingAway,
    /// Handle the peer's Close, which was delayed.
    PeerClose,
    /// End the closing handshake.
    Close,
}

/// The state on which the deadlines depend in addition to time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation<'a> {
    pub(super) state: State,
    /// Whether data is waiting to be written.
    pub(super) has_output: bool,
    /// Whether unread data may contain the peer's answer.
    pub(super) is_unread: bool,
    pub(super) config: &'a ConfigValues,
}

impl CloseHold {
    /// Returns until when the Close is delayed, if it is.
    fn until(self) -> Option<Instant> {
        match self {
            Self::Until(at) => Some(at),
            Self::Never | Self::Over => None,
        }
    }
}

impl Deadlines {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            progress: now,
            ping: Ping::Idle,
            blocked: None,
            backlog: Backlog::default(),
            end: None,
            is_advanced: true,
        }
    }

    /// Returns `true` if the next deadline may be earlier than when it was last looked at. Most
    /// events only postpone it.
    pub(super) fn is_advanced(&self) -> bool {
        self.is_advanced
    }

    /// Notes whether the next deadline still has to be looked at.
    pub(super) fn set_advanced(&mut self, is_advanced: bool) {
        self.is_advanced = is_advanced;
    }

    /// Notes that bytes have arrived.
    pub(super) fn received(&mut self, now: Instant) {
        self.progress = now;
        // The next ping may be due before the answer was.
        self.is_advanced |= mem::replace(&mut self.ping, Ping::Idle) != Ping::Idle;
        self.backlog.received();
    }

    /// Notes that the peer has answered a ping, and so has read everything before that ping.
    pub(super) fn answered(&mut self) {
        self.backlog.answered();
    }

    /// Notes that the IO accepted bytes, or accepted none although some were waiting.
    pub(super) fn written(&mut self, bytes: usize, is_blocked: bool, now: impl FnOnce() -> Instant) {
        self.is_advanced |= is_blocked;
        let is_heavy = self.backlog.count(bytes);
        let is_same = bytes == 0 && is_blocked == self.blocked.is_some();
        if !is_heavy && (is_same || self.blocked.is_none() && !is_blocked) {
            return;
        }
        let now = now();
        if is_heavy {
            self.backlog.heavy(now);
        }
        // An IO with its own buffer accepts nothing while it flushes the buffer.
        if self.blocked.is_some() && (bytes > 0 || !is_blocked) {
            self.progress = now;
        }
        if is_blocked || self.blocked.is_some() {
            self.backlog.slow(if self.blocked.is_some() { bytes } else { 0 }, now);
        }
        self.blocked = match self.blocked {
            _ if !is_blocked => None,
            Some(since) if bytes == 0 => Some(since),
            _ => Some(now),
        };
    }

    /// Notes that a ping was queued.
    pub(super) fn ping_queued(&mut self) {
        self.ping = Ping::Queued;
    }

    /// Notes that queued data begins to be written.
    pub(super) fn writing_began(&mut self) {
        if self.ping == Ping::Queued {
            self.ping = Ping::Writing;
        }
    }

    /// Notes that all of that data is written.
    pub(super) fn writing_ended(&mut self, now: impl FnOnce() -> Instant) {
        if self.ping == Ping::Writing {
            self.ping = Ping::Left(now());
        }
    }

    /// Sets when a shutdown sends the Close. With `None`, only its deadline does.
    pub(super) fn set_going_away(&mut self, at: Option<Instant>) {
        self.is_advanced = true;
        self.end_mut().going_away = at;
    }

    /// Delays the peer's Close, which has arrived, so that the application can answer earlier
    /// messages. Returns `false` if it was delayed long enough.
    pub(super) fn hold_close(&mut self, now: Instant) -> bool {
        self.is_advanced = true;
        let hold = &mut self.end_mut().close_hold;
        if *hold == CloseHold::Never {
            *hold = CloseHold::Until(now + ANSWER_GRACE);
        }
        matches!(*hold, CloseHold::Until(at) if now < at)
    }

    /// Notes that the application took a message. This extends the delay of a pending Close.
    pub(super) fn message_taken(&mut self, now: impl FnOnce() -> Instant) {
        if let Some(EndTimes { close_hold: CloseHold::Until(at), .. }) = self.end.as_deref_mut() {
            *at = now() + ANSWER_GRACE;
        }
    }

    /// Ends the delay of the peer's Close.
    pub(super) fn end_close_hold(&mut self) {
        self.end_mut().close_hold = CloseHold::Over;
    }

    /// Notes that the closing handshake began or made progress.
    pub(super) fn closing(&mut self, now: Instant) {
        self.is_advanced = true;
        self.progress = now;
        self.end_mut().closing.get_or_insert(ClosingTimes { began: now, left: None });
    }

    /// Notes that everything that the closing handshake sends is written.
    pub(super) fn close_left(&mut self, now: impl FnOnce() -> Instant) {
        if let Some(ClosingTimes { left: left @ None, .. }) = &mut self.end_mut().closing {
            *left = Some(now());
        }
    }

    fn end_mut(&mut self) -> &mut EndTimes {
        self.end.get_or_insert_default()
    }

    /// Returns since when the IO accepts no data although some is waiting to be written.
    pub(super) fn blocked_since(&self) -> Option<Instant> {
        self.blocked
    }

    /// Returns `true` if the peer has more time because it is slow. This ends once the IO accepts
    /// no data.
    pub(super) fn is_delayed(&self) -> bool {
        !self.backlog.duration().is_zero()
    }

    /// Returns the next deadline, provided that nothing happens before, and its action.
    pub(super) fn next(&self, situation: &Situation<'_>) -> Option<(Instant, Due)> {
        let config = situation.config;
        match situation.state {
            State::Open => {
                let (going_away, peer_close) = match &self.end {
                    Some(end) => (end.going_away, end.close_hold.until()),
                    None => (None, None),
                };
                let dues = [
                    going_away.map(|at| (at, Due::GoingAway)),
                    peer_close.map(|at| (at, Due::PeerClose)),
                    self.next_ping(situation),
                ];
                dues.into_iter().flatten().min_by_key(|(at, _)| *at)
            }
            State::Closed | State::Detached => None,
            state => {
                let stall = stall_timeout(config);
                let closing = self.end.as_ref().and_then(|end| end.closing);
                let left = closing.and_then(|closing| closing.left);
                let from = left.unwrap_or(self.progress);
                let timeout = if state == State::Failed {
                    // A peer that violated the protocol only gets the time to receive the Close.
                    config.close_timeout
                } else if situation.has_output {
                    // The Close is not written, so the peer cannot have answered it. The same limit
                    // applies as for an open connection.
                    stall
                } else {
                    match self.backlog.time_left(from) {
                        Duration::ZERO if !self.backlog.is_heavy(from, stall) => config.close_timeout,
                        time_left => stall.saturating_add(time_left),
                    }
                };
                let mut at = from.max(self.progress).checked_add(timeout)?;
                if let (State::CloseSent, true, Some(left)) = (state, situation.is_unread, left) {
                    // The answer may follow data that the application has not taken yet.
                    at = at.max(left.checked_add(config.close_timeout.checked_mul(MAX_TIMEOUTS)?)?);
                }
                // Otherwise a peer that floods the connection, and never answers or accepts data,
                // would never be disconnected.
                let since = match self.blocked {
                    Some(blocked) if situation.has_output => {
                        Some(blocked).max(closing.map(|closing| closing.began))
                    }
                    _ if situation.has_output => None,
                    _ => left,
                };
                if let Some(since) = since {
                    at = at.min(since.checked_add(timeout.checked_mul(MAX_TIMEOUTS)?)?);
                }
                Some((at, Due::Close))
            }
        }
    }

    fn next_ping(&self, situation: &Situation<'_>) -> Option<(Instant, Due)> {
        let ConfigValues { keepalive_interval, keepalive_timeout, .. } = situation.config;
        let ping_at = self.progress.checked_add((*keepalive_interval)?)?;
        // While the IO accepts bytes, the ping may be queued behind other data.
        let from = match self.ping {
            Ping::Idle => return Some((ping_at, Due::Ping)),
            Ping::Queued | Ping::Writing => ping_at,
            Ping::Left(at) if self.blocked.is_some() => at.max(ping_at),
            Ping::Left(at) => {
                let at = at.max(ping_at);
                at.checked_add(self.backlog.time_left(at))?
            }
        };
        let from = match self.blocked {
            None if situation.is_unread => return None,
            // A peer that reads no data either is not alive.
            Some(since) if situation.is_unread => from.max(since),
            _ => from,
        };
        Some((from.checked_add((*keepalive_timeout)?)?, Due::PongTimeout))
    }
}

/// Returns the time limit for a peer that accepts no data although some is waiting to be written.
fn stall_timeout(config: &ConfigValues) -> Duration {
    let keepalive = match (config.keepalive_interval, config.keepalive_timeout) {
        (Some(interval), Some(timeout)) => interval.saturating_add(timeout),
        _ => STALL_TIMEOUT,
    };
    keepalive.max(config.close_timeout)
}

#[cfg(test)]
mod tests;
