//! One publisher, many subscribers.

use std::{
    io::{self, Read, Write},
    thread,
    time::Duration,
};

use super::{
    Sample, Target,
    epoll::Epoll,
    kernel::tcp_buffers,
    opening::{open, prove_arrival},
    sample::Sampling,
    socket::{Socket, now},
};
use crate::wire::{Opcode, Payload};

/// The messages of `/pub/N` go to every socket on `/sub/0`, then to every one on `/sub/1`, and so
/// on up to N.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fan {
    pub(crate) topics: usize,
    /// Sockets of each topic.
    pub(crate) subscribers: usize,
    /// Bytes in a message.
    pub(crate) size: usize,
    pub(crate) payload: Payload,
    /// Published messages that have not reached all subscribers yet.
    pub(crate) in_flight: u64,
    /// Further sockets of the first topic, which read nothing.
    pub(crate) deaf: usize,
    /// Whether the sample has the server's memory as well.
    pub(crate) is_weighed: bool,
}

impl Fan {
    /// Returns a sample of one message to one subscriber. If `is_weighed`, it has the megabytes of
    /// resident memory at the end, and of TCP's buffers at both ends.
    pub(crate) fn measure(&self, target: &Target, length: Duration) -> io::Result<Sample> {
        let buffers = tcp_buffers()?;
        // These sockets stay open until the end.
        let _deaf = self.fill(target)?;
        let mut subscribers = Vec::new();
        for topic in 0..self.topics {
            subscribers.extend(open(target, &target.request(&format!("/sub/{topic}")), self.subscribers)?);
        }
        let mut publisher = open(target, &target.request(&format!("/pub/{}", self.topics)), 1)?.remove(0);
        // A subscription begins some time after the opening handshake.
        thread::sleep(Duration::from_millis(200));

        let payload = self.payload.bytes(self.size, 0);
        let frame = target.frame(Opcode::Binary, &payload, [9, 8, 7, 6]);
        // One message to each subscriber.
        for topic in subscribers.chunks_mut(self.subscribers) {
            publisher.write_all(&frame)?;
            topic.iter_mut().try_for_each(|socket| prove_arrival(socket, target, &payload))?;
        }
        let mut replies = vec![target.replies(frame.len()); subscribers.len()];
        let mut epoll = Epoll::new()?;
        for (index, socket) in subscribers.iter_mut().enumerate() {
            socket.set_nonblocking()?;
            epoll.add(&*socket, index)?;
        }

        let mut sampling = Sampling::new(target, length);
        let mut buffer = vec![0; 256 << 10];
        let (mut sent, mut done) = (0, 0);
        loop {
            while sent < done / self.subscribers as u64 + self.in_flight {
                publisher.write_all(&frame)?;
                sent += 1;
            }
            for index in epoll.wait()? {
                let length = now(subscribers[index].read(&mut buffer))?;
                done += replies[index].feed(&buffer[..length]) as u64;
                if replies[index].is_closed() {
                    return Err(io::Error::other("closed"));
                }
            }
            if let Some(mut sample) = sampling.tick(done)? {
                if self.is_weighed {
                    let more = tcp_buffers()?.saturating_sub(buffers);
                    sample.values.extend([target.process.resident()?, more].map(|bytes| bytes as f64 / 1e6));
                }
                return Ok(sample);
            }
        }
    }

    /// Opens the sockets that read nothing, and sends them more than the kernel's buffers hold.
    fn fill(&self, target: &Target) -> io::Result<Vec<Socket>> {
        /// Messages, their size, and the pause after each. The kernel's buffers hold about 4 MiB.
        const FILL: (usize, usize, Duration) = (128, 64 << 10, Duration::from_millis(2));
        if self.deaf == 0 {
            return Ok(Vec::new());
        }
        let deaf = open(target, &target.request("/sub/0"), self.deaf)?;
        let mut publisher = open(target, &target.request("/pub/1"), 1)?.remove(0);
        thread::sleep(Duration::from_millis(200));
        let (count, size, pause) = FILL;
        let frame = target.frame(Opcode::Binary, &self.payload.bytes(size, 0), [9, 8, 7, 6]);
        for _ in 0..count {
            publisher.write_all(&frame)?;
            thread::sleep(pause);
        }
        Ok(deaf)
    }
}
