//! Latency at a fixed rate.

use std::{
    collections::VecDeque,
    io,
    time::{Duration, Instant},
};

use super::{
    Echo, Sample, Target,
    background::Background,
    epoll::Epoll,
    frames::Frames,
    opening::{open, prove},
    sample::Sampling,
    single::Single,
};
use crate::wire::Payload;

/// The factor by which this takes longer than other measurements, so that a thousandth of the
/// answers is a large number.
const FACTOR: u32 = 8;

/// Messages at fixed times, whether or not earlier ones were answered (an open loop). Latency
/// counts from the time at which a message was due, so it includes the time in which a slow server
/// kept the load generator from sending.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Latency {
    pub(crate) connections: usize,
    /// Bytes in a message.
    pub(crate) size: usize,
    /// Messages per second, over all connections in turn.
    pub(crate) rate: f64,
    /// Whether 100 handshakes per second and one upload go on meanwhile.
    pub(crate) is_busy: bool,
}

impl Latency {
    /// Returns the 50th, 99th and 99.9th percentile in microseconds.
    pub(crate) fn measure(&self, target: &Target, length: Duration) -> io::Result<Sample> {
        let length = length * FACTOR;
        let echo = Echo {
            connections: self.connections,
            in_flight: 1,
            idle: 0,
            size: self.size,
            payload: Payload::Ascii,
            fragment: None,
        };
        let frames = Frames::new(&echo, target);
        let payload = echo.payload.bytes(self.size, 0);
        let mut sockets = open(target, &target.request("/echo"), self.connections)?;
        for socket in sockets.iter_mut().take(1) {
            prove(socket, target, frames.first(), echo.payload.opcode(), &payload)?;
        }
        let mut epoll = Epoll::new()?;
        let replies = target.replies(frames.first().len());
        let mut connections = sockets
            .into_iter()
            .enumerate()
            .map(|(index, socket)| {
                let single = Single::new(socket, index, replies.clone(), &epoll)?;
                Ok(Scheduled { single, due: VecDeque::new() })
            })
            .collect::<io::Result<Vec<_>>>()?;
        let mut background =
            self.is_busy.then(|| Background::start(target, connections.len(), &epoll)).transpose()?;

        let interval = Duration::from_secs_f64(1.0 / self.rate);
        let mut sampling = Sampling::new(target, length);
        let (start, warm) = (Instant::now(), length / 3);
        let mut buffer = vec![0; 1 << 20];
        let mut ready = Vec::new();
        let mut latencies = Vec::new();
        let (mut sent, mut done) = (0_u32, 0);
        loop {
            // At most one message for each connection, before answers are looked for again.
            for _ in 0..connections.len() {
                let due = interval * sent;
                if due > start.elapsed() {
                    break;
                }
                let count = connections.len();
                let connection = &mut connections[sent as usize % count];
                connection.due.push_back(due);
                connection.single.send(1, &frames, &epoll)?;
                sent += 1;
            }
            ready.extend(epoll.poll()?);
            for index in ready.drain(..) {
                let Some(connection) = connections.get_mut(index) else {
                    background.iter_mut().try_for_each(|it| it.step(index, target, &mut buffer))?;
                    continue;
                };
                let count = connection.single.receive(&mut buffer)?;
                let now = start.elapsed();
                for due in connection.due.drain(..count) {
                    done += 1;
                    if due >= warm {
                        latencies.push(now - due);
                    }
                }
                connection.single.send(0, &frames, &epoll)?;
            }
            background.iter_mut().try_for_each(|it| it.tick(start.elapsed(), target, &epoll))?;
            if let Some(sample) = sampling.tick(done)? {
                // The answers that are missing are at least that late.
                let now = start.elapsed();
                let missing = connections.iter().flat_map(|it| &it.due).filter(|due| **due >= warm);
                latencies.extend(missing.map(|due| now - *due));
                let values = percentiles(latencies, &[0.5, 0.99, 0.999])?;
                return Ok(Sample { values, ..sample });
            }
        }
    }
}

struct Scheduled {
    single: Single,
    /// When the messages without an answer were due.
    due: VecDeque<Duration>,
}

fn percentiles(mut latencies: Vec<Duration>, shares: &[f64]) -> io::Result<Vec<f64>> {
    latencies.sort_unstable();
    let last = latencies.len().checked_sub(1).ok_or_else(|| io::Error::other("no message was due"))?;
    let at = |share: &f64| latencies[(share * last as f64).round() as usize];
    Ok(shares.iter().map(|share| at(share).as_secs_f64() * 1e6).collect())
}
