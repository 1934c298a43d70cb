//! Messages there and back.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    time::Duration,
};

use super::{
    Sample, Target,
    epoll::Epoll,
    sample::Sampling,
    socket::{now, open, prove},
};
use crate::wire::{Payload, Replies};

/// Each connection keeps `in_flight` messages under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Echo {
    pub(crate) connections: usize,
    pub(crate) in_flight: usize,
    /// Connections beside them that had one message and are silent.
    pub(crate) idle: usize,
    /// Bytes in a message.
    pub(crate) size: usize,
    pub(crate) payload: Payload,
}

impl Echo {
    pub(crate) fn measure(&self, target: Target, length: Duration) -> io::Result<Sample> {
        let (opcode, frames) = (self.payload.opcode(), Frames::new(self, target));
        let request = target.request("/echo");
        let payload = self.payload.bytes(self.size, 0);
        let prove = |socket: &TcpStream| prove(socket, target, frames.first(), opcode, &payload);

        let idle = open(target, &request, self.idle)?;
        idle.iter().try_for_each(prove)?;
        let sockets = open(target, &request, self.connections)?;
        sockets.iter().take(1).try_for_each(prove)?;

        let mut epoll = Epoll::new()?;
        let mut connections = Vec::with_capacity(sockets.len());
        for (index, socket) in sockets.into_iter().enumerate() {
            socket.set_nonblocking(true)?;
            epoll.add(&socket, index)?;
            let replies = target.replies(frames.first().len());
            let mut connection =
                Connection { socket, index, replies, next: 0, due: 0, owed: 0, is_blocked: false };
            connection.owe(self.in_flight, &frames);
            connection.send(&frames, &epoll)?;
            connections.push(connection);
        }

        let mut sampling = Sampling::new(target, length);
        let mut buffer = vec![0; 1 << 20];
        let mut ready = Vec::new();
        let mut done = 0;
        loop {
            ready.extend(epoll.wait()?);
            for index in ready.drain(..) {
                let connection = &mut connections[index];
                let count = connection.receive(&mut buffer)?;
                done += count as u64;
                connection.owe(count, &frames);
                connection.send(&frames, &epoll)?;
            }
            if let Some(sample) = sampling.tick(done)? {
                return Ok(sample);
            }
        }
    }
}

/// Frames back to back, sent over and over: a burst of small ones is one send. They are of one
/// length unless they are compressed.
struct Frames {
    bytes: Vec<u8>,
    lengths: Vec<usize>,
}

impl Frames {
    fn new(echo: &Echo, target: Target) -> Self {
        let frame = |nth: u32| {
            let mask = (0x9e37_79b9_u32.wrapping_mul(nth + 1) | 0x0101_0101).to_ne_bytes();
            target.frame(echo.payload.opcode(), &echo.payload.bytes(echo.size, nth), mask)
        };
        let count = ((512 << 10) / frame(0).len()).clamp(1, 64);
        let frames: Vec<_> = (0..count as u32).map(frame).collect();
        Self { lengths: frames.iter().map(Vec::len).collect(), bytes: frames.concat() }
    }

    fn first(&self) -> &[u8] {
        &self.bytes[..self.lengths[0]]
    }
}

struct Connection {
    socket: TcpStream,
    index: usize,
    replies: Replies,
    /// Where in the frames the next byte to send is.
    next: usize,
    /// Which frame is the next that may be sent.
    due: usize,
    /// Bytes that may be sent and are not yet.
    owed: usize,
    is_blocked: bool,
}

impl Connection {
    fn owe(&mut self, messages: usize, frames: &Frames) {
        for _ in 0..messages {
            self.owed += frames.lengths[self.due];
            self.due = (self.due + 1) % frames.lengths.len();
        }
    }

    fn send(&mut self, frames: &Frames, epoll: &Epoll) -> io::Result<()> {
        while self.owed > 0 {
            let end = frames.bytes.len().min(self.next + self.owed);
            let wanted = end - self.next;
            let sent = now(self.socket.write(&frames.bytes[self.next..end]))?;
            self.next = (self.next + sent) % frames.bytes.len();
            self.owed -= sent;
            if sent < wanted {
                break;
            }
        }
        if self.is_blocked != (self.owed > 0) {
            self.is_blocked = self.owed > 0;
            epoll.want_write(&self.socket, self.index, self.is_blocked)?;
        }
        Ok(())
    }

    /// How many answers came.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = now(self.socket.read(buffer))?;
        let count = self.replies.feed(&buffer[..length]);
        if self.replies.is_closed() { Err(io::Error::other("closed")) } else { Ok(count) }
    }
}
