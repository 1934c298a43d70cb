//! The users of a connection: its driver, its reader and its senders.

use std::{mem, time::Duration};

use tokio::{runtime, time::Instant};

/// How long messages may wait while the handler computes.
const MAX_CORKED: Duration = Duration::from_millis(1);

/// How much a task receives before it yields, in bytes of messages. This usually takes less than
/// half a millisecond, and is enough for a message of 1 MiB. If many connections received parts of
/// theirs in turn, the allocator would need new memory from the system each time.
const BUDGET: usize = 1536 * 1024;

/// The cost of a decoding step in addition to its bytes.
const STEP: usize = 512;

/// The cost of a message that the handler receives, in addition to its decoding.
const MESSAGE: usize = 1536;

/// The number of bytes of a message that count twice more, because the handler usually looks at
/// each. A larger message would use up the budget.
const MAX_HANDLED: usize = 64 * 1024;

/// The cost of a step that may inflate data.
const INFLATING: usize = 48 * 1024;

/// The cost of a byte that may have been inflated.
pub(super) const INFLATED: usize = 12;

/// The users of a connection.
#[derive(Debug)]
pub(super) struct Users {
    /// The number of drivers. A socket with a driver may get another one.
    pub(super) drivers: u32,
    pub(super) senders: u32,
    /// Whether there is a handle that receives.
    pub(super) has_reader: bool,
    pub(super) reading: Reading,
    /// Whether further messages are discarded, as by [`close`](crate::WebSocket::close).
    pub(super) is_discarding: bool,
    /// Whether the closing handshake began because the application dropped a handle.
    pub(super) is_closed_by_drop: bool,
    /// Whether a shutdown has dropped the connection.
    pub(super) is_dropped: bool,
    /// Whether the IO was taken out.
    pub(super) is_detached: bool,
    /// Whether the connection was cut because its closing handshake made no progress.
    pub(super) is_cut: bool,
    /// Whether a driver is polling the handler now, and the number of that turn.
    pub(super) is_polling: bool,
    pub(super) turn: u32,
    /// Whether a task was spawned that does the driver's work if the handler blocks its thread.
    pub(super) has_rescue: bool,
    /// The runtime of the driver, and whether a task of that runtime is about to write.
    pub(super) home: Option<runtime::Id>,
    pub(super) is_delivering: bool,
    /// Since when messages of the handler may be waiting: when data was last read in this turn, or
    /// the first message was sent.
    since: Option<Instant>,
    cork: Cork,
    budget: usize,
    /// Whether there may be a deadline before the time of the alarm.
    pub(super) has_new_deadline: bool,
}

/// Whether messages of the handler are waiting until it yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cork {
    Off,
    On,
    /// They are, and the handler has paused meanwhile.
    Paused,
}

/// How far the application is with what it receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// It has not asked for a message yet.
    NotBegun,
    /// It has asked for one when there was none.
    Asked,
    /// It has taken one, and has not asked for the next one since: it may be answering.
    Answering,
}

impl Users {
    pub(super) fn new() -> Self {
        Self {
            drivers: 0,
            senders: 0,
            has_reader: true,
            reading: Reading::NotBegun,
            is_discarding: false,
            is_closed_by_drop: false,
            is_dropped: false,
            is_detached: false,
            is_cut: false,
            is_polling: false,
            turn: 0,
            has_rescue: false,
            home: None,
            is_delivering: false,
            since: None,
            cork: Cork::Off,
            budget: BUDGET,
            has_new_deadline: true,
        }
    }

    /// Returns `true` if received messages are discarded.
    pub(super) fn discards(&self) -> bool {
        !self.has_reader || self.is_discarding
    }

    /// Begins a turn of the handler.
    pub(super) fn begin_turn(&mut self) {
        self.is_polling = true;
        self.turn = self.turn.wrapping_add(1);
        self.uncork();
        self.renew_budget();
    }

    pub(super) fn end_turn(&mut self) {
        self.is_polling = false;
    }

    /// Notes that data was read.
    pub(super) fn has_read(&mut self, now: Instant) {
        if self.cork == Cork::Off {
            self.since = Some(now);
        }
    }

    /// Returns `true` if messages of the handler have waited too long. The first call returns
    /// `false`, without a look at the clock if data was read in this turn.
    pub(super) fn is_cork_over(&mut self) -> bool {
        if self.cork == Cork::Off {
            self.cork = Cork::On;
            self.since.get_or_insert_with(Instant::now);
            return false;
        }
        self.since.is_none_or(|since| Instant::now() >= since + MAX_CORKED)
    }

    /// Returns `true` if the handler pauses for the first time since it sent messages. It usually
    /// yields next, so the clock is not needed. If it pauses again, it did not yield.
    pub(super) fn is_first_pause(&mut self) -> bool {
        mem::replace(&mut self.cork, Cork::Paused) != Cork::Paused
    }

    /// Notes that all messages of the handler are written.
    pub(super) fn uncork(&mut self) {
        self.since = None;
        self.cork = Cork::Off;
    }

    /// Counts work on the input.
    pub(super) fn count(&mut self, bytes: usize) {
        self.budget = self.budget.saturating_sub(bytes).saturating_sub(STEP);
    }

    /// Counts the handler's work on a message of `bytes` bytes.
    pub(super) fn count_message(&mut self, bytes: usize) {
        self.budget = self.budget.saturating_sub(MESSAGE + 2 * bytes.min(MAX_HANDLED));
    }

    /// Counts a step that may inflate data, which takes as long as many other steps even if it
    /// produces little.
    pub(super) fn count_inflating(&mut self) {
        self.budget = self.budget.saturating_sub(INFLATING);
    }

    /// Returns `true` if the task has to yield.
    pub(super) fn has_spent_budget(&self) -> bool {
        self.budget == 0
    }

    /// Renews the budget, because other tasks run or have run.
    pub(super) fn renew_budget(&mut self) {
        self.budget = BUDGET;
    }
}

#[cfg(test)]
mod tests;
