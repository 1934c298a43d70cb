//! Who uses a connection: its driver, its reader, its senders.

use std::time::{Duration, Instant};

use tokio::runtime;

/// How long what the handler sends may wait while the handler computes.
const MAX_CORKED: Duration = Duration::from_millis(1);

/// How much a task receives before others have their turn: bytes of messages, each counted with
/// [`STEP`] more.
const BUDGET: usize = 128 * 1024;

/// What a step through the input costs besides its bytes.
const STEP: usize = 64;

/// What a step costs that may inflate something.
const INFLATING: usize = 4 * 1024;

/// Who uses a connection.
#[derive(Debug)]
pub(super) struct Users {
    /// How many drivers there are: a driven socket may be given one more.
    pub(super) drivers: u32,
    pub(super) senders: u32,
    /// Whether there is a handle that receives.
    pub(super) has_reader: bool,
    pub(super) reading: Reading,
    /// Whether messages that still come are thrown away, as [`close`](crate::WebSocket::close)
    /// does.
    pub(super) is_discarding: bool,
    /// Whether the closing handshake began as the application dropped a handle.
    pub(super) is_closed_by_drop: bool,
    /// Whether a shutdown has given the connection up.
    pub(super) is_dropped: bool,
    /// Whether the IO was taken out.
    pub(super) is_detached: bool,
    /// Whether the connection was cut, as its closing handshake made no progress.
    pub(super) is_cut: bool,
    /// Whether a driver is polling the handler now, and the number of that turn.
    pub(super) is_polling: bool,
    pub(super) turn: u32,
    /// Whether a task was spawned that does the driver's work if the handler blocks its thread.
    pub(super) has_rescue: bool,
    /// The runtime that the driver runs in, and whether a task of that is about to write.
    pub(super) home: Option<runtime::Id>,
    pub(super) is_delivering: bool,
    /// Until when something may wait that the handler has sent.
    corked: Option<Instant>,
    budget: usize,
    /// Whether a deadline may come before what the alarm is set to.
    pub(super) has_new_deadline: bool,
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
            corked: None,
            budget: BUDGET,
            has_new_deadline: true,
        }
    }

    /// Returns whether messages that come are wanted by nobody.
    pub(super) fn discards(&self) -> bool {
        !self.has_reader || self.is_discarding
    }

    /// Begins a turn of the handler.
    pub(super) fn begin_turn(&mut self) {
        self.is_polling = true;
        self.turn = self.turn.wrapping_add(1);
        self.rest();
    }

    pub(super) fn end_turn(&mut self) {
        self.is_polling = false;
        self.corked = None;
    }

    /// Returns whether what the handler has sent waits for too long already; the time counts from
    /// the first call.
    pub(super) fn is_cork_over(&mut self) -> bool {
        let now = Instant::now();
        now >= *self.corked.get_or_insert_with(|| now + MAX_CORKED)
    }

    /// All that the handler has sent is written.
    pub(super) fn uncork(&mut self) {
        self.corked = None;
    }

    /// Counts work with the input.
    pub(super) fn count(&mut self, bytes: usize) {
        self.budget = self.budget.saturating_sub(bytes + STEP);
    }

    /// Counts a step in which something may be inflated: that takes as long as many others, however
    /// little comes of it.
    pub(super) fn count_inflating(&mut self) {
        self.budget = self.budget.saturating_sub(INFLATING);
    }

    /// Returns whether others are to have their turn.
    pub(super) fn is_tired(&self) -> bool {
        self.budget == 0
    }

    /// Others had, or have, their turn.
    pub(super) fn rest(&mut self) {
        self.budget = BUDGET;
    }
}

#[cfg(test)]
mod tests {
    use super::{BUDGET, STEP, Users};

    #[test]
    fn work_is_counted_by_bytes_and_by_steps() {
        for bytes in [0, 1, 1000, BUDGET, usize::MAX - STEP] {
            let mut users = Users::new();
            let mut steps = 0;
            while !users.is_tired() {
                users.count(bytes);
                steps += 1;
            }
            assert_eq!(steps, BUDGET.div_ceil(bytes + STEP), "{bytes}");
            users.rest();
            assert!(!users.is_tired());
        }
    }

    #[test]
    fn a_turn_begins_rested_and_has_a_number_of_its_own() {
        let mut users = Users::new();
        for turn in 1..4 {
            users.count(BUDGET);
            users.begin_turn();
            assert!(users.is_polling && !users.is_tired() && users.turn == turn);
            users.end_turn();
            assert!(!users.is_polling);
        }
    }

    #[test]
    fn what_comes_is_unwanted_without_a_reader_or_while_that_closes() {
        let mut users = Users::new();
        for (has_reader, is_discarding) in [(true, false), (true, true), (false, false), (false, true)] {
            (users.has_reader, users.is_discarding) = (has_reader, is_discarding);
            assert_eq!(users.discards(), !has_reader || is_discarding);
        }
    }

    #[test]
    fn a_cork_that_was_just_put_in_holds_until_it_is_taken_out() {
        let mut users = Users::new();
        assert!(!users.is_cork_over());
        std::thread::sleep(super::MAX_CORKED);
        assert!(users.is_cork_over());
        users.uncork();
        assert!(!users.is_cork_over());
    }
}
