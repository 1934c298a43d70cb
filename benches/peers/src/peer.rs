//! Who is compared.

use std::{fmt, str::FromStr};

use crate::compression::{Compression, Takeover};

/// A server under test.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Peer {
    TowerWebsocket,
    /// tower-websocket without its `Rooms`: messages go to one `Sender` after the other.
    TowerSenders,
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
    /// Those that echo and wait. The first one is what the others are compared with.
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

    /// Those that hand out, likewise.
    pub(crate) const FANNING: [Self; 9] = [
        Self::TowerWebsocket,
        Self::TowerSenders,
        Self::Axum,
        Self::HyperTungstenite,
        Self::TokioTungstenite,
        Self::Fastwebsockets,
        Self::TokioWebsockets,
        Self::Yawc,
        Self::Sockudo,
    ];

    /// Those that hand out and compress, likewise.
    pub(crate) const FANNING_COMPRESSED: [Self; 5] =
        [Self::TowerWebsocket, Self::TowerSenders, Self::Yawc, Self::YawcPool, Self::Sockudo];

    /// Those that compress, likewise.
    pub(crate) const COMPRESSING: [Self; 4] =
        [Self::TowerWebsocket, Self::Yawc, Self::YawcPool, Self::Sockudo];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TowerWebsocket => "tower-websocket",
            Self::TowerSenders => "tower-websocket, one sender after the other",
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

    /// Whether its server here can compress so: with the pool, yawc takes nothing over.
    pub(crate) fn compresses(self, compression: Compression) -> bool {
        self != Self::YawcPool || compression.takeover == Takeover::Nobody
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
        let mut all = Self::ALL.into_iter().chain(Self::FANNING).chain(Self::COMPRESSING);
        all.find(|peer| peer.name() == name).ok_or_else(|| format!("no peer is called {name}"))
    }
}
