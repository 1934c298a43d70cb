//! The turns of a handler, in which its driver polls it.

use super::{budget::Budget, cork::Cork};

/// How often a reader that has yielded yields again. Something between the socket and the task,
/// such as a reader of bytes, may have returned data instead of yielding, and then asks for more in
/// the same poll of the task.
const MAX_YIELDS: u8 = 3;

/// The current turn of the handler, or the last one.
///
/// A handler may block its thread or compute. Meanwhile its driver is not polled, and other tasks
/// do the driver's work.
#[derive(Debug)]
pub(super) struct Turn {
    /// How many turns there were.
    number: u32,
    is_running: bool,
    /// Whether a task was spawned that does the driver's work if the handler blocks its thread.
    has_rescue: bool,
    /// Whether a message was queued in this turn that may not wait for its end.
    is_write_due: bool,
    /// How often the reader, which has yielded, yields again before it receives, plus one; or 0.
    yields: u8,
    pub(super) cork: Cork,
    /// How much the task may still do. Other tasks use it too, and renew it when they yield.
    pub(super) budget: Budget,
}

impl Turn {
    pub(super) fn new() -> Self {
        Self {
            number: 0,
            is_running: false,
            has_rescue: false,
            is_write_due: false,
            yields: 0,
            cork: Cork::new(),
            budget: Budget::new(),
        }
    }

    pub(super) fn begin(&mut self) {
        self.is_running = true;
        self.number = self.number.wrapping_add(1);
        self.cork.release();
        self.budget.renew();
    }

    /// Ends the turn. Returns `true` if a rescue is running.
    pub(super) fn end(&mut self) -> bool {
        self.is_running = false;
        self.is_write_due = false;
        self.has_rescue
    }

    /// Notes that the reader has used up the budget, and yields.
    pub(super) fn note_yield(&mut self) {
        if self.yields == 0 {
            self.yields = MAX_YIELDS + 1;
        }
    }

    /// Returns `true` if the reader has yielded, and may be in the same poll of its task.
    pub(super) fn has_yielded(&self) -> bool {
        self.yields > 0
    }

    /// Makes the reader yield again, a few times.
    pub(super) fn resume(&mut self) {
        self.yields -= 1;
        if self.has_yielded() {
            self.budget.spend();
        }
    }

    /// Returns `true` if a handler is being polled.
    pub(super) fn is_running(&self) -> bool {
        self.is_running
    }

    /// Returns the number of the current turn, if a handler is being polled.
    pub(super) fn current(&self) -> Option<u32> {
        self.is_running.then_some(self.number)
    }

    /// Returns `true` if a handler is being polled for the first time.
    pub(super) fn is_first(&self) -> bool {
        self.current() == Some(1)
    }

    /// Returns the current turn if a rescue has to be spawned, because the handler may be blocking
    /// its thread.
    pub(super) fn begin_rescue(&mut self) -> Option<u32> {
        let turn = self.current().filter(|_| !self.has_rescue)?;
        self.has_rescue = true;
        Some(turn)
    }

    pub(super) fn end_rescue(&mut self) {
        self.has_rescue = false;
    }

    /// Notes that a message was queued that the handler does not know of: an answer to the peer, or
    /// a message of another task while this one uses the IO. The handler may block before its
    /// driver continues.
    pub(super) fn note_write_due(&mut self) {
        self.is_write_due = self.is_running;
    }

    /// Returns `true`, once, if such a message has to be written.
    pub(super) fn take_write_due(&mut self) -> bool {
        std::mem::take(&mut self.is_write_due)
    }
}

#[cfg(test)]
mod tests;
