//! Holding back the messages of a handler until it yields, so that they are written together.

use std::{mem, time::Duration};

use tokio::time::Instant;

/// How long messages may be held back while the handler computes.
const MAX_HELD: Duration = Duration::from_millis(1);

/// Whether messages of the handler are held back, and since when.
#[derive(Debug)]
pub(super) struct Cork {
    /// When data was last read in this turn, or the first message was sent.
    since: Option<Instant>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// No message is held back.
    Released,
    Holding,
    /// Messages are held back, and the handler has paused meanwhile.
    Paused,
}

impl Cork {
    pub(super) fn new() -> Self {
        Self { since: None, stage: Stage::Released }
    }

    /// Notes that data was read.
    pub(super) fn note_read(&mut self, now: Instant) {
        if self.stage == Stage::Released {
            self.since = Some(now);
        }
    }

    /// Holds a message back. Returns `false` if messages have been held back too long. The first
    /// call returns `true`, without a look at the clock if data was read in this turn.
    pub(super) fn hold(&mut self) -> bool {
        if self.stage == Stage::Released {
            self.stage = Stage::Holding;
            self.since.get_or_insert_with(Instant::now);
            return true;
        }
        self.since.is_some_and(|since| Instant::now() < since + MAX_HELD)
    }

    /// Holds messages back while the handler pauses. Returns `false` if it has paused before since
    /// it sent messages. It usually yields after the first pause, so the clock is not needed.
    pub(super) fn hold_in_pause(&mut self) -> bool {
        mem::replace(&mut self.stage, Stage::Paused) != Stage::Paused
    }

    /// Notes that all messages of the handler are written, or that a turn begins.
    pub(super) fn release(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests;
