//! The rows.

use tokio::runtime::Runtime;

use crate::client::{self, BURST, Round, SUBSCRIBERS};

/// One line of the table.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// The handshakes, messages or deliveries in a round.
    pub(crate) per_round: usize,
    /// The number of counted rounds.
    pub(crate) rounds: usize,
    /// The upper limit of allocations of a handshake, message or delivery. More cannot be accepted.
    pub(crate) max_allocations: Option<f64>,
    pub(crate) open: fn(&Runtime) -> Round,
}

const fn row(name: &'static str, per_round: usize, rounds: usize, open: fn(&Runtime) -> Round) -> Row {
    Row { name, per_round, rounds, max_allocations: None, open }
}

impl Row {
    const fn max_allocations(self, max: f64) -> Self {
        Self { max_allocations: Some(max), ..self }
    }
}

/// A small message has one allocation. A burst has one more, for the rest of a read when its first
/// message is received.
pub(crate) const ROWS: [Row; 8] = [
    row("handshake", 1, 100, client::handshake),
    row("handshake on a raw stream", 1, 100, client::accept),
    row("echo of 125 B", 1, 500, client::echo).max_allocations(1.0),
    row("echo of 125 B, 16 in flight", BURST, 100, client::burst).max_allocations(1.0 + 1.0 / BURST as f64),
    row("echo of 64 KiB, binary", 1, 100, client::large_binary),
    row("echo of 64 KiB, text", 1, 100, client::large_text),
    row("echo of 1 KiB, compressed", 1, 50, client::deflate),
    row("64 B to 100 sockets", SUBSCRIBERS, 20, client::fan_out),
];

/// Returns the row with this name.
pub(crate) fn named(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.name == name)
}
