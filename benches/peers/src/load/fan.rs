//! One publisher, many subscribers.

use std::{
    io::{self, Read, Write},
    thread,
    time::Duration,
};

use super::{
    Sample, Target,
    epoll::Epoll,
    sample::Sampling,
    socket::{now, open},
};
use crate::wire::{Payload, frame};

/// What is sent on `/pub` reaches every socket on `/sub`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fan {
    pub(crate) subscribers: usize,
    /// Bytes in a message.
    pub(crate) size: usize,
    /// Messages published that have not reached all yet.
    pub(crate) in_flight: u64,
}

impl Fan {
    /// The sample is of one message to one subscriber.
    pub(crate) fn measure(&self, target: Target, length: Duration) -> io::Result<Sample> {
        let mut subscribers = open(target, &target.request("/sub"), self.subscribers)?;
        let mut publisher = open(target, &target.request("/pub"), 1)?.remove(0);
        // A subscription begins some time after its opening handshake.
        thread::sleep(Duration::from_millis(200));

        let payload = Payload::Binary;
        let frame = frame(payload.opcode(), &payload.bytes(self.size, 0), [9, 8, 7, 6]);
        let mut replies = vec![target.replies(frame.len()); subscribers.len()];
        let mut epoll = Epoll::new()?;
        for (index, socket) in subscribers.iter().enumerate() {
            socket.set_nonblocking(true)?;
            epoll.add(socket, index)?;
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
