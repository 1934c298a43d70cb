//! How much a task does for a connection before other tasks get their turn.

/// How much a task receives before it yields, in bytes of messages. This usually takes less than
/// half a millisecond, and is enough for a message of 1 MiB. If many connections received parts of
/// theirs in turn, the allocator would need new memory from the system each time.
const TO_RECEIVE: u32 = 1536 * 1024;

/// How much a task sends before it yields, in bytes of messages.
const TO_SEND: u32 = 1536 * 1024;

/// The cost of a decoding step in addition to its bytes.
const STEP: usize = 512;

/// The cost of a message that the handler receives or sends, in addition to its bytes.
const MESSAGE: usize = 1536;

/// The number of bytes of a message that count twice more, because the handler usually looks at
/// each. A larger message would use up the budget.
const MAX_HANDLED: usize = 64 * 1024;

/// The cost of a step that may inflate data.
const INFLATING: usize = 48 * 1024;

/// The cost of a byte that may have been inflated.
pub(super) const INFLATED: usize = 12;

/// How much a task may still do for a connection before it yields.
#[derive(Debug)]
pub(super) struct Budget {
    to_receive: u32,
    to_send: u32,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { to_receive: TO_RECEIVE, to_send: TO_SEND }
    }

    /// Renews the budget, because other tasks run or have run.
    pub(super) fn renew(&mut self) {
        *self = Self::new();
    }

    /// Counts work on the input.
    pub(super) fn count(&mut self, bytes: usize) {
        spend(&mut self.to_receive, bytes.saturating_add(STEP));
    }

    /// Counts the handler's work on a message of `bytes` bytes.
    pub(super) fn count_message(&mut self, bytes: usize) {
        spend(&mut self.to_receive, MESSAGE + 2 * bytes.min(MAX_HANDLED));
    }

    /// Counts a step that may inflate data, which takes as long as many other steps even if it
    /// produces little.
    pub(super) fn count_inflating(&mut self) {
        spend(&mut self.to_receive, INFLATING);
    }

    /// Counts a message of `bytes` bytes that was accepted for sending.
    pub(super) fn count_sent(&mut self, bytes: usize) {
        spend(&mut self.to_send, bytes.saturating_add(MESSAGE));
    }

    /// Makes the task yield.
    pub(super) fn spend(&mut self) {
        self.to_receive = 0;
    }

    /// Returns `true` if the task has to yield.
    pub(super) fn is_spent(&self) -> bool {
        self.to_receive == 0
    }

    /// Returns `true` if the next sender has to yield. As long as the IO accepts everything,
    /// nothing else makes it wait.
    pub(super) fn is_sent(&self) -> bool {
        self.to_send == 0
    }
}

fn spend(left: &mut u32, cost: usize) {
    *left = left.saturating_sub(u32::try_from(cost).unwrap_or(u32::MAX));
}

#[cfg(test)]
mod tests;
