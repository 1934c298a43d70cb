//! Server CPU time per message, over a while.

use std::{
    io,
    time::{Duration, Instant},
};

use super::Target;
use crate::process::{Process, machine_time};

/// The values of one measurement.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// One for each row: microseconds, kilobytes or megabytes.
    pub(crate) values: Vec<f64>,
    /// Messages per second; 0 for memory.
    pub(crate) rate: f64,
    /// How many cores other processes kept busy meanwhile.
    pub(crate) disturbance: f64,
}

impl Sample {
    pub(crate) fn is_calm(&self) -> bool {
        self.disturbance < 0.1
    }
}

/// Warms up for a third of the length, then measures for all of it.
pub(crate) struct Sampling {
    server: Process,
    length: Duration,
    started: Instant,
    begin: Option<Clocks>,
}

impl Sampling {
    pub(crate) fn new(target: &Target, length: Duration) -> Self {
        Self { server: target.process, length, started: Instant::now(), begin: None }
    }

    /// Returns the sample once the time is over. The caller calls this over and over, with the
    /// number of messages so far.
    pub(crate) fn tick(&mut self, done: u64) -> io::Result<Option<Sample>> {
        match &self.begin {
            None if self.started.elapsed() >= self.length / 3 => {
                self.begin = Some(Clocks::read(self.server, done)?);
                Ok(None)
            }
            Some(begin) if begin.at.elapsed() >= self.length => {
                let end = Clocks::read(self.server, done)?;
                Ok(Some(begin.until(&end)))
            }
            _ => Ok(None),
        }
    }
}

/// The counters at one instant, with times in nanoseconds.
struct Clocks {
    at: Instant,
    done: u64,
    server: u64,
    client: u64,
    machine: u64,
}

impl Clocks {
    fn read(server: Process, done: u64) -> io::Result<Self> {
        Ok(Self {
            at: Instant::now(),
            done,
            server: server.cpu_time()?,
            client: Process::this().cpu_time()?,
            machine: machine_time()?,
        })
    }

    fn until(&self, end: &Self) -> Sample {
        let server = (end.server - self.server) as f64;
        let client = (end.client - self.client) as f64;
        let machine = (end.machine - self.machine) as f64;
        let elapsed = (end.at - self.at).as_nanos() as f64;
        Sample {
            rate: (end.done - self.done) as f64 / elapsed * 1e9,
            values: vec![server / (end.done - self.done) as f64 / 1000.0],
            disturbance: (machine - server - client) / elapsed,
        }
    }
}
