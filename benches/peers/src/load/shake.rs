//! Opening and closing handshakes.

use std::{
    io::{self, ErrorKind, Read, Write},
    time::Duration,
};

use super::{
    Sample, Target,
    epoll::Epoll,
    opening::is_answered,
    sample::Sampling,
    socket::{Socket, now},
};
use crate::wire::{Opcode, Replies, frame};

/// Connects, opens and closes, again and again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shake {
    /// Connections at the same time.
    at_once: usize,
    /// Whether there is a closing handshake. Without it, the client resets the connection.
    is_closing: bool,
}

impl Shake {
    /// Returns a load of opening handshakes.
    pub(crate) fn opening(at_once: usize) -> Self {
        Self { at_once, is_closing: false }
    }

    /// Returns a load of opening and closing handshakes.
    pub(crate) fn both(at_once: usize) -> Self {
        Self { at_once, is_closing: true }
    }

    pub(crate) fn measure(&self, target: &Target, length: Duration) -> io::Result<Sample> {
        let request = target.request("/echo");
        let close = frame(Opcode::Close, &1000_u16.to_be_bytes(), [1, 2, 3, 4]);
        let close = self.is_closing.then_some(&close[..]);
        let mut epoll = Epoll::new()?;
        let start = |epoll: &Epoll, index| Visit::start(target, &request, index, epoll);
        let mut visits =
            (0..self.at_once).map(|index| start(&epoll, index)).collect::<Result<Vec<_>, _>>()?;

        let mut sampling = Sampling::new(target, length);
        let mut ready = Vec::new();
        let mut done = 0;
        loop {
            ready.extend(epoll.wait()?);
            for index in ready.drain(..) {
                if visits[index].step(target, &request, close)? {
                    done += 1;
                    visits[index] = start(&epoll, index)?;
                }
            }
            if let Some(sample) = sampling.tick(done)? {
                return Ok(sample);
            }
        }
    }
}

/// A connection that is opened and closed.
pub(super) struct Visit {
    socket: Socket,
    /// The response so far.
    head: Vec<u8>,
    /// The closing handshake, once it has begun.
    closing: Option<Replies>,
}

impl Visit {
    /// Connects and sends the request.
    pub(super) fn start(target: &Target, request: &[u8], index: usize, epoll: &Epoll) -> io::Result<Self> {
        let mut socket = Socket::connect(target)?;
        socket.write_all(request)?;
        socket.set_nonblocking()?;
        epoll.add(&socket, index)?;
        Ok(Self { socket, head: Vec::new(), closing: None })
    }

    /// Returns whether the handshakes are complete.
    pub(super) fn step(&mut self, target: &Target, request: &[u8], close: Option<&[u8]>) -> io::Result<bool> {
        let mut buffer = [0; 4096];
        let length = match now(self.socket.read(&mut buffer)) {
            // Some peers do not answer a Close, or reset the connection after it.
            Err(error)
                if self.closing.is_some()
                    && matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) =>
            {
                return Ok(true);
            }
            length => length?,
        };
        if let Some(replies) = &mut self.closing {
            replies.feed(&buffer[..length]);
            return Ok(replies.is_closed());
        }
        self.head.extend_from_slice(&buffer[..length]);
        if !is_answered(target, request, &self.head)? {
            return Ok(false);
        }
        let Some(close) = close.filter(|_| !target.is_raw) else { return Ok(true) };
        self.socket.write_all(close)?;
        self.closing = Some(Replies::frames());
        Ok(false)
    }
}
