//! The rows of the table, in four suites.

use std::str::FromStr;

use crate::{
    cell::{Cell, Load},
    load::{Echo, Fan, Idle, Shake},
    wire::Payload,
};

/// Rows that are measured together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Suite {
    Echo,
    Shake,
    Fan,
    Idle,
}

impl Suite {
    pub(crate) const ALL: [Self; 4] = [Self::Echo, Self::Shake, Self::Fan, Self::Idle];

    /// What the numbers of its rows are.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Echo => "Echo: server CPU per message, us",
            Self::Shake => "Opening and closing handshake: server CPU per connection, us",
            Self::Fan => "Fan-out: server CPU per delivered message, us",
            Self::Idle => "Memory of an idle connection, KB",
        }
    }

    /// Memory takes long to measure and varies little: half of the rounds will do.
    pub(crate) fn rounds(self, wanted: usize) -> usize {
        if self == Self::Idle { wanted.div_ceil(2) } else { wanted }
    }

    pub(crate) fn cells(self) -> Vec<Cell> {
        match self {
            Self::Echo => echo(),
            Self::Shake => vec![Cell { name: "64 at a time", load: Load::Shake(Shake { at_once: 64 }) }],
            Self::Fan => {
                let fan = |in_flight| Load::Fan(Fan { subscribers: 1000, size: 64, in_flight });
                vec![
                    Cell { name: "64 B to 1,000 subscribers", load: fan(1) },
                    Cell { name: "64 B to 1,000 subscribers, 16 in flight", load: fan(16) },
                ]
            }
            Self::Idle => {
                let idle = |connections, size| Load::Idle(Idle { connections, size });
                vec![
                    Cell { name: "10,000, after 64 B each", load: idle(10_000, 64) },
                    Cell { name: "10,000, after 16 KiB each", load: idle(10_000, 16 << 10) },
                    Cell { name: "100, after 1 MiB each way", load: idle(100, 1 << 20) },
                ]
            }
        }
    }
}

impl FromStr for Suite {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "echo" => Ok(Self::Echo),
            "shake" => Ok(Self::Shake),
            "fan" => Ok(Self::Fan),
            "idle" => Ok(Self::Idle),
            _ => Err(format!("no suite is called {name}")),
        }
    }
}

fn echo() -> Vec<Cell> {
    let small = Echo { connections: 64, in_flight: 1, idle: 0, size: 125, payload: Payload::Ascii };
    let kib = Echo { size: 1 << 10, ..small };
    let large = Echo { size: 16 << 10, payload: Payload::Binary, ..small };
    let huge = Echo { connections: 1, size: 1 << 20, ..large };
    [
        ("125 B text, 64 connections", small),
        ("125 B text, 64 connections and 9,936 idle", Echo { idle: 9936, ..small }),
        ("125 B text, 512 connections", Echo { connections: 512, ..small }),
        ("125 B text, 64 connections, 16 in flight", Echo { in_flight: 16, ..small }),
        ("1 KiB text, 64 connections, 16 in flight", Echo { in_flight: 16, ..kib }),
        ("16 KiB binary, 64 connections", large),
        ("16 KiB binary, 64 connections, 16 in flight", Echo { in_flight: 16, ..large }),
        ("16 KiB non-ASCII text, 64 connections", Echo { payload: Payload::Letters, ..large }),
        ("1 MiB binary, 1 connection", huge),
    ]
    .map(|(name, echo)| Cell { name, load: Load::Echo(echo) })
    .into()
}
