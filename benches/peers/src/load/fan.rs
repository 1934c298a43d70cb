//! One publisher, many subscribers.

use std::{
    io::{self, Read, Write},
    thread,
    time::Duration,
};

use super::{
    Sample, Target,
    epoll::Epoll,
    opening::{open, prove_arrival},
    sample::Sampling,
    socket::now,
};
use crate::wire::{Opcode, Payload};

/// What is sent on `/pub/N` reaches every socket on `/sub/0`, then every one on `/sub/1`, and so on
/// up to N.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fan {
    pub(crate) topics: usize,
    /// Sockets of each topic.
    pub(crate) subscribers: usize,
    /// Bytes in a message.
    pub(crate) size: usize,
    pub(crate) payload: Payload,
    /// Messages published that have not reached all yet.
    pub(crate) in_flight: u64,
}

impl Fan {
    /// The sample is of one message to one subscriber.
    pub(crate) fn measure(&self, target: &Target, length: Duration) -> io::Result<Sample> {
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
            if let Some(sample) = sampling.tick(done)? {
                return Ok(sample);
            }
        }
    }
}
