//! A load and the rows that it fills.

use std::{io, time::Duration};

use crate::{
    compression::{Compression, Takeover},
    load::{Echo, Fan, Idle, Latency, Population, Sample, Shake},
    peer::Peer,
    process,
    server::Server,
    setup::{Setup, Transport},
};

/// A load that each peer is put under.
pub(crate) struct Cell {
    /// The names of its rows: one for each value of a sample.
    pub(crate) rows: Vec<String>,
    pub(crate) load: Load,
    pub(crate) setup: Setup,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
    Echo(Echo),
    Shake(Shake),
    Fan(Fan),
    Idle(Idle),
    Latency(Latency),
    Population(Population),
}

impl Cell {
    /// Returns a row of servers that are set up as by default.
    pub(crate) fn plain(name: &str, load: Load) -> Self {
        Self::new(name, load, Setup::default())
    }

    /// Returns a row of servers that compress.
    pub(crate) fn compressed(name: &str, load: Load, compression: Compression) -> Self {
        Self::new(name, load, Setup { compression: Some(compression), ..Setup::default() })
    }

    pub(crate) fn new(name: &str, load: Load, setup: Setup) -> Self {
        Self { rows: vec![name.to_owned()], load, setup }
    }

    /// Returns why the peer cannot do this, if it cannot.
    pub(crate) fn obstacle(&self, peer: Peer) -> Option<&'static str> {
        use Peer::{Fastwebsockets, HyperTungstenite, Tcp, TokioTungstenite, TokioWebsockets, Wtx, YawcPool};
        let takeover = self.setup.compression.map(|compression| compression.takeover);
        let is_http2 = self.setup.transport == Transport::Http2;
        match (peer, &self.load) {
            (YawcPool, _) if takeover.is_some_and(|takeover| takeover != Takeover::Nobody) => {
                Some("connections that share compressors cannot keep a context, so takeover is off")
            }
            (Tcp, _) if is_http2 => Some("it has no streams"),
            (HyperTungstenite | TokioTungstenite | Fastwebsockets | TokioWebsockets | Wtx, _) if is_http2 => {
                Some("it opens WebSockets over HTTP/1.1 only")
            }
            (Tcp, Load::Fan(_)) => Some("it has no messages to fan out"),
            (Wtx, Load::Fan(_)) => Some("its server here does not fan out"),
            _ => None,
        }
    }

    /// Measures a fresh server, again if other processes disturbed it, and returns the least
    /// disturbed sample.
    pub(crate) fn measure(&self, peer: Peer, length: Duration, tries: usize) -> io::Result<Sample> {
        let (_, core) = self.setup.cores();
        process::pin(&[core])?;
        // It takes a minute, and its memory cannot be disturbed.
        let tries = if matches!(self.load, Load::Population(_)) { 1 } else { tries };
        let mut best = self.measure_once(peer, length)?;
        for _ in 1..tries {
            if best.is_calm() {
                break;
            }
            let sample = self.measure_once(peer, length)?;
            if sample.disturbance < best.disturbance {
                best = sample;
            }
        }
        Ok(best)
    }

    fn measure_once(&self, peer: Peer, length: Duration) -> io::Result<Sample> {
        let server = Server::start(peer, self.setup)?;
        let target = server.target();
        match &self.load {
            Load::Echo(echo) => echo.measure(target, length),
            Load::Shake(shake) => shake.measure(target, length),
            Load::Fan(fan) => fan.measure(target, length),
            Load::Idle(idle) => idle.measure(target),
            Load::Latency(latency) => latency.measure(target, length),
            Load::Population(population) => population.measure(target, length),
        }
    }
}
