//! One row of the table.

use std::{io, time::Duration};

use crate::{
    compression::Compression,
    load::{Echo, Fan, Idle, Sample, Shake},
    peer::Peer,
    server::Server,
};

/// A load that each peer is put under.
pub(crate) struct Cell {
    pub(crate) name: &'static str,
    pub(crate) load: Load,
    pub(crate) compression: Option<Compression>,
}

pub(crate) enum Load {
    Echo(Echo),
    Shake(Shake),
    Fan(Fan),
    Idle(Idle),
}

impl Cell {
    /// A row of servers that do not compress.
    pub(crate) fn plain(name: &'static str, load: Load) -> Self {
        Self { name, load, compression: None }
    }

    pub(crate) fn suits(&self, peer: Peer) -> bool {
        self.compression.is_none_or(|compression| peer.compresses(compression))
    }

    /// Measures a fresh server, again when others disturbed it, and returns the least disturbed
    /// sample.
    pub(crate) fn measure(&self, peer: Peer, length: Duration, tries: usize) -> io::Result<Sample> {
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
        let server = Server::start(peer, self.compression)?;
        let target = server.target();
        match &self.load {
            Load::Echo(echo) => echo.measure(target, length),
            Load::Shake(shake) => shake.measure(target, length),
            Load::Fan(fan) => fan.measure(target, length),
            Load::Idle(idle) => idle.measure(target),
        }
    }
}
