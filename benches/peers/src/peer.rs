//! Who is compared.

use std::{fmt, str::FromStr};

use crate::compression::{Compression, Takeover};

/// A server under test.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Peer {
    TowerWebsocket,
    /// Bytes back as they came: what no WebSocket server can go below.
    Tcp,
    Axum,
    HyperTungstenite,
    TokioTungstenite,
    Fastwebsockets,
    TokioWebsockets,
    Yawc,
    /// yawc, whose connections share what compresses.
    YawcPool,
    Sockudo,
    Wtx,
}

impl Peer {
    /// Those that echo, hand out and wait. The first one is what the others are compared with.
    pub(crate) const ALL: [Self; 10] = [
        Self::TowerWebsocket,
        Self::Tcp,
        Self::Axum,
        Self::HyperTungstenite,
        Self::TokioTungstenite,
        Self::Fastwebsockets,
        Self::TokioWebsockets,
        Self::Yawc,
        Self::Sockudo,
        Self::Wtx,
    ];

    /// Those that compress, likewise.
    pub(crate) const COMPRESSING: [Self; 4] =
        [Self::TowerWebsocket, Self::Yawc, Self::YawcPool, Self::Sockudo];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TowerWebsocket => "tower-websocket",
            Self::Tcp => "plain TCP",
            Self::Axum => "axum",
            Self::HyperTungstenite => "hyper-tungstenite",
            Self::TokioTungstenite => "tokio-tungstenite",
            Self::Fastwebsockets => "fastwebsockets",
            Self::TokioWebsockets => "tokio-websockets",
            Self::Yawc => "yawc",
            Self::YawcPool => "yawc, with a pool",
            Self::Sockudo => "sockudo-ws",
            Self::Wtx => "wtx",
        }
    }

    /// Whether its server here can fan out: plain TCP has no messages, and wtx is only asked to echo.
    pub(crate) fn fans_out(self) -> bool {
        !matches!(self, Self::Tcp | Self::Wtx)
    }

    /// Whether its server here can compress so: with the pool, yawc takes nothing over.
    pub(crate) fn compresses(self, compression: Compression) -> bool {
        Self::COMPRESSING.contains(&self)
            && !(self == Self::YawcPool && compression.takeover != Takeover::Nobody)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter().chain(Self::COMPRESSING);
        all.find(|peer| peer.name() == name).ok_or_else(|| format!("no peer is called {name}"))
    }
}
