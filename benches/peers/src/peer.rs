//! The servers that are compared.

use std::{fmt, str::FromStr};

/// A server under test.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Peer {
    TowerWebsocket,
    /// tower-websocket without its `Rooms`: messages go to one `Sender` after the other.
    TowerSenders,
    /// tower-websocket's `Acceptor`, without an HTTP server.
    TowerAcceptor,
    /// Sends bytes back unchanged: the floor of every WebSocket server.
    Tcp,
    Axum,
    HyperTungstenite,
    TokioTungstenite,
    Fastwebsockets,
    TokioWebsockets,
    Yawc,
    /// yawc, with connections that share compressors.
    YawcPool,
    Sockudo,
    Wtx,
}

impl Peer {
    /// The peers that echo. The first is the one that the others are compared with.
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

    /// The peers of the rows without an HTTP server. The first is the one that the others are
    /// compared with.
    pub(crate) const ACCEPTING: [Self; 11] = [
        Self::TowerAcceptor,
        Self::TowerWebsocket,
        Self::Tcp,
        Self::TokioTungstenite,
        Self::TokioWebsockets,
        Self::Sockudo,
        Self::Wtx,
        Self::Axum,
        Self::HyperTungstenite,
        Self::Fastwebsockets,
        Self::Yawc,
    ];

    /// The peers of the fan-out.
    pub(crate) const FANNING: [Self; 11] = [
        Self::TowerWebsocket,
        Self::TowerSenders,
        Self::Axum,
        Self::HyperTungstenite,
        Self::TokioTungstenite,
        Self::Fastwebsockets,
        Self::TokioWebsockets,
        Self::Yawc,
        Self::Sockudo,
        Self::Tcp,
        Self::Wtx,
    ];

    /// The peers of the compressed fan-out.
    pub(crate) const FANNING_COMPRESSED: [Self; 5] =
        [Self::TowerWebsocket, Self::TowerSenders, Self::Yawc, Self::YawcPool, Self::Sockudo];

    /// The peers that compress with zlib-rs.
    pub(crate) const COMPRESSING: [Self; 4] =
        [Self::TowerWebsocket, Self::Yawc, Self::YawcPool, Self::Sockudo];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TowerWebsocket => "tower-websocket",
            Self::TowerSenders => "tower-websocket, one sender after the other",
            Self::TowerAcceptor => "tower-websocket, Acceptor",
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
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Peer {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter().chain(Self::FANNING_COMPRESSED).chain([Self::TowerAcceptor]);
        all.find(|peer| peer.name() == name).ok_or_else(|| format!("no peer is called {name}"))
    }
}
