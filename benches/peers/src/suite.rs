//! The rows of the tables.

use std::{io, time::Duration};

use crate::{
    cell::{Cell, Load},
    compression::{Compression, Takeover},
    load::{Echo, Fan, Idle, Shake},
    peer::Peer,
    setup::Transport,
    wire::Payload,
};

/// Rows that are measured together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Suite {
    Echo,
    Shake,
    Accept,
    Fan,
    Idle,
    Large,
    TlsShake,
    TlsEcho,
    TlsIdle,
    Http2Echo,
    Http2Idle,
    Deflate,
    DeflateFan,
    DeflateIdle,
}

impl Suite {
    pub(crate) const ALL: [Self; 14] = [
        Self::Echo,
        Self::Shake,
        Self::Accept,
        Self::Fan,
        Self::Idle,
        Self::Large,
        Self::TlsShake,
        Self::TlsEcho,
        Self::TlsIdle,
        Self::Http2Echo,
        Self::Http2Idle,
        Self::Deflate,
        Self::DeflateFan,
        Self::DeflateIdle,
    ];

    /// Returns the suites that have this name on the command line.
    pub(crate) fn named(name: &str) -> Result<&'static [Self], String> {
        match name {
            "echo" => Ok(&[Self::Echo]),
            "shake" => Ok(&[Self::Shake]),
            "accept" => Ok(&[Self::Accept]),
            "large" => Ok(&[Self::Large]),
            "tls" => Ok(&[Self::TlsShake, Self::TlsEcho, Self::TlsIdle]),
            "http2" => Ok(&[Self::Http2Echo, Self::Http2Idle]),
            "fan" => Ok(&[Self::Fan]),
            "idle" => Ok(&[Self::Idle]),
            "deflate" => Ok(&[Self::Deflate, Self::DeflateFan, Self::DeflateIdle]),
            "deflate-fan" => Ok(&[Self::DeflateFan]),
            _ => Err(format!("no suite is called {name}")),
        }
    }

    /// Returns the peers that are asked to take part.
    pub(crate) fn peers(self) -> &'static [Peer] {
        match self {
            Self::Echo
            | Self::Shake
            | Self::Idle
            | Self::Large
            | Self::TlsShake
            | Self::TlsEcho
            | Self::TlsIdle
            | Self::Http2Echo
            | Self::Http2Idle => &Peer::ALL,
            Self::Accept => &Peer::ACCEPTING,
            Self::Fan => &Peer::FANNING,
            Self::DeflateFan => &Peer::FANNING_COMPRESSED,
            Self::Deflate | Self::DeflateIdle => &Peer::COMPRESSING,
        }
    }

    /// Returns why the peer cannot take part, if it cannot.
    pub(crate) fn obstacle(self, peer: Peer) -> Option<&'static str> {
        use Peer::{
            Axum, Fastwebsockets, HyperTungstenite, Tcp, TokioTungstenite, TokioWebsockets, Wtx, Yawc,
        };
        match (self, peer) {
            (Self::Accept, Axum | HyperTungstenite | Fastwebsockets | Yawc) => {
                Some("it takes its connections from hyper, so its row is in the suite `shake`")
            }
            (Self::Http2Echo | Self::Http2Idle, Tcp) => Some("it has no streams"),
            (
                Self::Http2Echo | Self::Http2Idle,
                HyperTungstenite | TokioTungstenite | Fastwebsockets | TokioWebsockets | Wtx,
            ) => Some("it opens WebSockets over HTTP/1.1 only"),
            (Self::Fan, Tcp) => Some("it has no messages"),
            (Self::Fan, Wtx) => Some("its server here only echoes"),
            _ => None,
        }
    }

    /// Returns the heading of its table, with the unit of the values.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Echo => "Echo: server CPU per message, us",
            Self::Shake => "Opening and closing handshake: server CPU per connection, us",
            Self::Accept => "Handshakes on a raw stream: server CPU per connection, us",
            Self::TlsShake => "TLS 1.3: opening and closing handshakes, server CPU per connection, us",
            Self::TlsEcho => "TLS 1.3, echo: server CPU per message, us",
            Self::TlsIdle => "TLS 1.3: memory of an idle connection, KB",
            Self::Http2Echo => {
                "HTTP/2, 100 WebSockets on each of 10 connections, echo: server CPU per message, us"
            }
            Self::Http2Idle => {
                "HTTP/2, 100 WebSockets on each of 10 connections: memory of an idle WebSocket, KB"
            }
            Self::Large => "Large messages: server CPU per message, us",
            Self::Fan => "Fan-out: server CPU per delivered message, us",
            Self::Idle => "Memory of an idle connection, KB",
            Self::Deflate => "Compressed echo: server CPU per message, us",
            Self::DeflateFan => "Compressed fan-out: server CPU per delivered message, us",
            Self::DeflateIdle => "Memory of an idle connection that compresses, KB",
        }
    }

    /// Returns the number of rounds. Memory takes long to measure and varies little, so it has half
    /// of them.
    pub(crate) fn rounds(self, wanted: usize) -> usize {
        match self {
            Self::Idle | Self::TlsIdle | Self::Http2Idle | Self::DeflateIdle => wanted.div_ceil(2),
            _ => wanted,
        }
    }

    pub(crate) fn cells(self, _length: Duration) -> io::Result<Vec<Cell>> {
        Ok(match self {
            Self::Echo => echo(),
            Self::Shake => vec![Cell::plain("64 at a time", Load::Shake(Shake::both(64)))],
            Self::Accept => vec![
                Cell::plain("opening handshake, 64 at a time", Load::Shake(Shake::opening(64))),
                Cell::plain("opening and closing handshake, 64 at a time", Load::Shake(Shake::both(64))),
            ],
            Self::Large => large(),
            Self::TlsShake => {
                let shake = Load::Shake(Shake::both(64));
                vec![Cell::new("64 at a time", shake, Transport::Tls.into())]
            }
            Self::TlsEcho => [
                ("125 B text, 64 connections", SMALL),
                ("125 B text, 64 connections, 16 in flight", Echo { in_flight: 16, ..SMALL }),
                ("16 KiB binary, 64 connections", MIDDLE),
                ("16 KiB binary, 64 connections, 16 in flight", Echo { in_flight: 16, ..MIDDLE }),
            ]
            .map(|(name, echo)| Cell::new(name, Load::Echo(echo), Transport::Tls.into()))
            .into(),
            Self::TlsIdle => {
                let idle = Idle { connections: 2000, size: 64, payload: Payload::Binary };
                [
                    ("2,000, after 64 B each", idle),
                    ("2,000, after 16 KiB each", Idle { size: 16 << 10, ..idle }),
                ]
                .map(|(name, idle)| Cell::new(name, Load::Idle(idle), Transport::Tls.into()))
                .into()
            }
            Self::Http2Echo => [
                ("125 B text", Echo { connections: 1000, ..SMALL }),
                ("125 B text, 16 in flight", Echo { connections: 1000, in_flight: 16, ..SMALL }),
                ("16 KiB binary", Echo { connections: 1000, ..MIDDLE }),
            ]
            .map(|(name, echo)| Cell::new(name, Load::Echo(echo), Transport::Http2.into()))
            .into(),
            Self::Http2Idle => {
                let idle = Idle { connections: 1000, size: 64, payload: Payload::Binary };
                [
                    ("1,000, after 64 B each", idle),
                    ("1,000, after 16 KiB each", Idle { size: 16 << 10, ..idle }),
                ]
                .map(|(name, idle)| Cell::new(name, Load::Idle(idle), Transport::Http2.into()))
                .into()
            }
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
                    let compression = Compression { level, takeover: Takeover::Nobody };
                    Cell::compressed(name, Load::Fan(json), compression)
                };
                vec![
                    cell("1 KiB JSON to 1,000 subscribers, level 1, no takeover", 1),
                    cell("1 KiB JSON to 1,000 subscribers, level 6, no takeover", 6),
                ]
            }
            Self::DeflateIdle => {
                let load = Idle { connections: 1000, size: 1 << 10, payload: Payload::Json };
                let cell = |name, takeover| {
                    Cell::compressed(name, Load::Idle(load), Compression { level: 6, takeover })
                };
                vec![
                    cell("1,000, after 1 KiB each, no takeover", Takeover::Nobody),
                    cell("1,000, after 1 KiB each, takeover of the client", Takeover::Client),
                    cell("1,000, after 1 KiB each, takeover of both", Takeover::Both),
                ]
            }
        })
    }
}

const SMALL: Echo =
    Echo { connections: 64, in_flight: 1, idle: 0, size: 125, payload: Payload::Ascii, fragment: None };

const MIDDLE: Echo = Echo { size: 16 << 10, payload: Payload::Binary, ..SMALL };

fn echo() -> Vec<Cell> {
    let small = SMALL;
    let kib = Echo { size: 1 << 10, ..small };
    let large = MIDDLE;
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

fn large() -> Vec<Cell> {
    let small = Echo { connections: 1, size: 64 << 10, payload: Payload::Binary, ..SMALL };
    let large = Echo { size: 1 << 20, ..small };
    let text = |echo| Echo { payload: Payload::Letters, ..echo };
    let eight = |echo| Echo { connections: 8, ..echo };
    let fragments = |echo| Echo { fragment: Some(1 << 10), ..echo };
    [
        ("64 KiB binary, 1 connection", small),
        ("64 KiB binary, 8 connections", eight(small)),
        ("64 KiB non-ASCII text, 1 connection", text(small)),
        ("64 KiB non-ASCII text, 8 connections", eight(text(small))),
        ("64 KiB binary in fragments of 1 KiB, 8 connections", fragments(eight(small))),
        ("64 KiB non-ASCII text in fragments of 1 KiB, 8 connections", fragments(text(eight(small)))),
        ("1 MiB binary, 1 connection", large),
        ("1 MiB binary, 8 connections", eight(large)),
        ("1 MiB non-ASCII text, 1 connection", text(large)),
        ("1 MiB non-ASCII text, 8 connections", eight(text(large))),
        ("1 MiB binary in fragments of 1 KiB, 8 connections", fragments(eight(large))),
        ("1 MiB non-ASCII text in fragments of 1 KiB, 8 connections", fragments(text(eight(large)))),
    ]
    .map(|(name, echo)| Cell::plain(name, Load::Echo(echo)))
    .into()
}

fn deflate() -> Vec<Cell> {
    let one = Echo { size: 1 << 10, payload: Payload::Json, ..SMALL };
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
        Cell::compressed(name, Load::Echo(echo), Compression { level, takeover })
    })
    .into()
}
