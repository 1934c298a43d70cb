//! Handshakes and an upload that go on while latency is measured.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    time::Duration,
};

use super::{
    Target,
    epoll::Epoll,
    opening::open,
    shake::Visit,
    socket::{Socket, now},
};
use crate::wire::{Opcode, Payload};

/// Time between two handshakes.
const PAUSE: Duration = Duration::from_millis(10);

/// Bytes in each message of the upload.
const MESSAGE: usize = 16 << 20;

/// Bytes per second of the upload.
const RATE: f64 = 64e6;

/// The most bytes in one write of the upload.
const PART: usize = 64 << 10;

/// 100 handshakes per second, and an upload of 64 MB per second in messages of 16 MiB.
pub(super) struct Background {
    visits: HashMap<usize, Visit>,
    started: u32,
    /// The index of the upload's socket. Those of the visits follow.
    first: usize,
    request: Vec<u8>,
    upload: Socket,
    message: Vec<u8>,
    uploaded: u64,
}

impl Background {
    /// Uses the indices from `first` on.
    pub(super) fn start(target: &Target, first: usize, epoll: &Epoll) -> io::Result<Self> {
        let mut upload = open(target, &target.request("/sink"), 1)?.remove(0);
        upload.set_nonblocking()?;
        epoll.add(&upload, first)?;
        Ok(Self {
            visits: HashMap::new(),
            started: 0,
            first,
            request: target.request("/echo"),
            upload,
            message: target.frame(Opcode::Binary, &Payload::Binary.bytes(MESSAGE, 0), [4, 3, 2, 1]),
            uploaded: 0,
        })
    }

    /// Starts the handshakes and sends the bytes that are due after `elapsed`.
    pub(super) fn tick(&mut self, elapsed: Duration, target: &Target, epoll: &Epoll) -> io::Result<()> {
        if PAUSE * self.started <= elapsed {
            self.started += 1;
            let index = self.first + self.started as usize;
            self.visits.insert(index, Visit::start(target, &self.request, index, epoll)?);
        }
        if (elapsed.as_secs_f64() * RATE) as u64 >= self.uploaded + PART as u64 {
            let next = (self.uploaded % self.message.len() as u64) as usize;
            let end = self.message.len().min(next + PART);
            self.uploaded += now(self.upload.write(&self.message[next..end]))? as u64;
        }
        Ok(())
    }

    /// Goes on with the socket of this index, which is ready.
    pub(super) fn step(&mut self, index: usize, target: &Target, buffer: &mut [u8]) -> io::Result<()> {
        if index == self.first {
            // Plain TCP sends the upload back.
            now(self.upload.read(buffer))?;
        } else if let Some(visit) = self.visits.get_mut(&index)
            && visit.step(target, &self.request, None)?
        {
            self.visits.remove(&index);
        }
        Ok(())
    }
}
