//! The suites: groups of rows that share a table.

use crate::peer::Peer;

/// Rows that are measured together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Suite {
    Echo,
    Shake,
    Accept,
    Fan,
    SlowFan,
    Idle,
    Large,
    TlsShake,
    TlsEcho,
    TlsIdle,
    Http2Echo,
    Http2Idle,
    Threads,
    Latency,
    /// Not among [`ALL`](Self::ALL): it compares no peers.
    Million,
    Deflate,
    DeflateFan,
    DeflateIdle,
}

impl Suite {
    pub(crate) const ALL: [Self; 17] = [
        Self::Echo,
        Self::Shake,
        Self::Accept,
        Self::Fan,
        Self::SlowFan,
        Self::Idle,
        Self::Large,
        Self::TlsShake,
        Self::TlsEcho,
        Self::TlsIdle,
        Self::Http2Echo,
        Self::Http2Idle,
        Self::Threads,
        Self::Latency,
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
            "slow-fan" => Ok(&[Self::SlowFan]),
            "threads" => Ok(&[Self::Threads]),
            "latency" => Ok(&[Self::Latency]),
            "million" => Ok(&[Self::Million]),
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
            | Self::Http2Idle
            | Self::Threads
            | Self::Latency => &Peer::ALL,
            Self::Accept => &Peer::ACCEPTING,
            Self::Million => &[Peer::TowerWebsocket],
            Self::Fan | Self::SlowFan => &Peer::FANNING,
            Self::DeflateFan => &Peer::FANNING_COMPRESSED,
            Self::Deflate | Self::DeflateIdle => &Peer::COMPRESSING,
        }
    }

    /// Returns why the peer cannot take part, if it cannot.
    pub(crate) fn obstacle(self, peer: Peer) -> Option<&'static str> {
        use Peer::{Axum, Fastwebsockets, HyperTungstenite, Yawc};
        let is_hypers = matches!(peer, Axum | HyperTungstenite | Fastwebsockets | Yawc);
        (self == Self::Accept && is_hypers)
            .then_some("it takes its connections from hyper, so its row is in the suite `shake`")
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
            Self::SlowFan => {
                "Fan-out to slow peers: server CPU per message delivered to the others, us; memory, MB"
            }
            Self::Threads => "One worker thread and two: server CPU per message, us",
            Self::Million => "One of many sockets",
            Self::Latency => "Latency from the time at which a message is due, us",
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
}
