//! The command line.

use std::time::Duration;

use crate::{peer::Peer, setup::Setup, suite::Suite};

const USAGE: &str = "usage: peers [--suite echo|shake|accept|fan|slow-fan|large|idle|tls|http2|threads|\
    latency|million|deflate|deflate-fan] [--peer NAME] [--rounds N] [--quick]";

/// What this process is to do.
pub(crate) enum Command {
    Measure(Options),
    /// Be the server of one measurement.
    Serve(Peer, Setup),
}

/// Which suites to measure, and how thoroughly.
pub(crate) struct Options {
    pub(crate) suites: Vec<Suite>,
    /// The peers to measure. If it is empty, all of them.
    pub(crate) peers: Vec<Peer>,
    pub(crate) rounds: usize,
    /// How long one measurement takes, after a third of that to warm up.
    pub(crate) length: Duration,
    /// How often a disturbed measurement is made at most.
    pub(crate) tries: usize,
}

impl Command {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Options {
            suites: Vec::new(),
            peers: Vec::new(),
            rounds: 5,
            length: Duration::from_millis(250),
            tries: 2,
        };
        while let Some(argument) = arguments.next() {
            if argument == "--quick" {
                options.rounds = 1;
                options.length = Duration::from_millis(100);
                options.tries = 1;
                continue;
            }
            let value = arguments.next().ok_or(USAGE)?;
            match argument.as_str() {
                "serve" => return Ok(Self::Serve(value.parse()?, Setup::parse(arguments)?)),
                "--suite" => options.suites.extend(Suite::named(&value)?),
                "--peer" => options.peers.push(value.parse()?),
                "--rounds" => options.rounds = value.parse().map_err(|_| USAGE)?,
                _ => return Err(USAGE.into()),
            }
        }
        if options.suites.is_empty() {
            options.suites = Suite::ALL.to_vec();
        }
        Ok(Self::Measure(options))
    }
}
