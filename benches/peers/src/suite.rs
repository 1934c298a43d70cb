//! The rows of the tables.

use crate::{
    cell::{Cell, Load},
    compression::{Compression, Takeover},
    load::{Echo, Fan, Idle, Shake},
    peer::Peer,
    wire::Payload,
};

/// Rows that are measured together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Suite {
    Echo,
    Shake,
    Fan,
    Idle,
    Deflate,
    DeflateFan,
    DeflateIdle,
}

impl Suite {
    pub(crate) const ALL: [Self; 7] =
        [Self::Echo, Self::Shake, Self::Fan, Self::Idle, Self::Deflate, Self::DeflateFan, Self::DeflateIdle];

    /// What the command line calls so.
    pub(crate) fn named(name: &str) -> Result<&'static [Self], String> {
        match name {
            "echo" => Ok(&[Self::Echo]),
            "shake" => Ok(&[Self::Shake]),
            "fan" => Ok(&[Self::Fan]),
            "idle" => Ok(&[Self::Idle]),
            "deflate" => Ok(&[Self::Deflate, Self::DeflateFan, Self::DeflateIdle]),
            "deflate-fan" => Ok(&[Self::DeflateFan]),
            _ => Err(format!("no suite is called {name}")),
        }
    }

    /// Who is measured.
    pub(crate) fn peers(self) -> &'static [Peer] {
        match self {
            Self::Echo | Self::Shake | Self::Idle => &Peer::ALL,
            Self::Fan => &Peer::FANNING,
            Self::DeflateFan => &Peer::FANNING_COMPRESSED,
            Self::Deflate | Self::DeflateIdle => &Peer::COMPRESSING,
        }
    }

    /// What the numbers of its rows are.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Echo => "Echo: server CPU per message, us",
            Self::Shake => "Opening and closing handshake: server CPU per connection, us",
            Self::Fan => "Fan-out: server CPU per delivered message, us",
            Self::Idle => "Memory of an idle connection, KB",
            Self::Deflate => "Compressed echo: server CPU per message, us",
            Self::DeflateFan => "Compressed fan-out: server CPU per delivered message, us",
            Self::DeflateIdle => "Memory of an idle connection that compresses, KB",
        }
    }

    /// Memory takes long to measure and varies little: half of the rounds will do.
    pub(crate) fn rounds(self, wanted: usize) -> usize {
        match self {
            Self::Idle | Self::DeflateIdle => wanted.div_ceil(2),
            Self::Echo | Self::Shake | Self::Fan | Self::Deflate | Self::DeflateFan => wanted,
        }
    }

    pub(crate) fn cells(self) -> Vec<Cell> {
        match self {
            Self::Echo => echo(),
            Self::Shake => vec![Cell::plain("64 at a time", Load::Shake(Shake { at_once: 64 }))],
            Self::Fan => {
                let small =
                    Fan { topics: 1, subscribers: 1000, size: 64, payload: Payload::Binary, in_flight: 1 };
                let many = Fan { in_flight: 16, ..small };
                let huge = Fan { subscribers: 10_000, ..small };
                let rooms = Fan { topics: 1000, subscribers: 10, ..small };
                [
                    ("64 B to 1,000 subscribers", small),
                    ("64 B to 1,000 subscribers, 16 in flight", many),
                    ("64 B to 10,000 subscribers", huge),
                    ("64 B to the 10 subscribers of each of 1,000 rooms", rooms),
                    (
                        "64 B to the 10 subscribers of each of 1,000 rooms, 16 in flight",
                        Fan { in_flight: 16, ..rooms },
                    ),
                ]
                .map(|(name, fan)| Cell::plain(name, Load::Fan(fan)))
                .into()
            }
            Self::Idle => {
                let idle =
                    |connections, size| Load::Idle(Idle { connections, size, payload: Payload::Binary });
                vec![
                    Cell::plain("10,000, after 64 B each", idle(10_000, 64)),
                    Cell::plain("10,000, after 16 KiB each", idle(10_000, 16 << 10)),
                    Cell::plain("100, after 1 MiB each way", idle(100, 1 << 20)),
                ]
            }
            Self::Deflate => deflate(),
            Self::DeflateFan => {
                let json =
                    Fan { topics: 1, subscribers: 1000, size: 1 << 10, payload: Payload::Json, in_flight: 1 };
                let cell = |name, level| {
                    let compression = Some(Compression { level, takeover: Takeover::Nobody });
                    Cell { name, load: Load::Fan(json), compression }
                };
                vec![
                    cell("1 KiB JSON to 1,000 subscribers, level 1, no takeover", 1),
                    cell("1 KiB JSON to 1,000 subscribers, level 6, no takeover", 6),
                ]
            }
            Self::DeflateIdle => {
                let load = Idle { connections: 1000, size: 1 << 10, payload: Payload::Json };
                let cell = |name, takeover| {
                    let compression = Some(Compression { level: 6, takeover });
                    Cell { name, load: Load::Idle(load), compression }
                };
                vec![
                    cell("1,000, after 1 KiB each, no takeover", Takeover::Nobody),
                    cell("1,000, after 1 KiB each, takeover of the client", Takeover::Client),
                    cell("1,000, after 1 KiB each, takeover of both", Takeover::Both),
                ]
            }
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
    .map(|(name, echo)| Cell::plain(name, Load::Echo(echo)))
    .into()
}

fn deflate() -> Vec<Cell> {
    let one = Echo { connections: 64, in_flight: 1, idle: 0, size: 1 << 10, payload: Payload::Json };
    let many = Echo { in_flight: 16, ..one };
    [
        ("1 KiB JSON, level 1, no takeover", one, 1, Takeover::Nobody),
        ("1 KiB JSON, level 1, no takeover, 16 in flight", many, 1, Takeover::Nobody),
        ("1 KiB JSON, level 1, takeover", one, 1, Takeover::Both),
        ("1 KiB JSON, level 1, takeover, 16 in flight", many, 1, Takeover::Both),
        ("1 KiB JSON, level 6, no takeover", one, 6, Takeover::Nobody),
        ("1 KiB JSON, level 6, no takeover, 16 in flight", many, 6, Takeover::Nobody),
        ("1 KiB JSON, level 6, takeover", one, 6, Takeover::Both),
        ("1 KiB JSON, level 6, takeover, 16 in flight", many, 6, Takeover::Both),
    ]
    .map(|(name, echo, level, takeover)| {
        let compression = Some(Compression { level, takeover });
        Cell { name, load: Load::Echo(echo), compression }
    })
    .into()
}
