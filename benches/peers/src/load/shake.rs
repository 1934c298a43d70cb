//! Opening and closing handshakes.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use super::{
    Sample, Target,
    epoll::Epoll,
    sample::Sampling,
    socket::{connect, is_answered, now},
};
use crate::wire::{Opcode, Replies, frame};

/// Connects, opens, closes, again and again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shake {
    /// Connections at the same time.
    pub(crate) at_once: usize,
}

impl Shake {
    pub(crate) fn measure(&self, target: Target, length: Duration) -> io::Result<Sample> {
        let request = target.request("/echo");
        let close = frame(Opcode::Close, &1000_u16.to_be_bytes(), [1, 2, 3, 4]);
        let mut epoll = Epoll::new()?;
        let start = |epoll: &Epoll, index| {
            let mut socket = connect(target)?;
            socket.write_all(&request)?;
            socket.set_nonblocking(true)?;
            epoll.add(&socket, index)?;
            io::Result::Ok(Connection { socket, head: Vec::new(), closing: None })
        };
        let mut connections =
            (0..self.at_once).map(|index| start(&epoll, index)).collect::<Result<Vec<_>, _>>()?;

        let mut sampling = Sampling::new(target, length);
        let mut ready = Vec::new();
        let mut done = 0;
        loop {
            ready.extend(epoll.wait()?);
            for index in ready.drain(..) {
                if connections[index].step(target, &request, &close)? {
                    done += 1;
                    connections[index] = start(&epoll, index)?;
                }
            }
            if let Some(sample) = sampling.tick(done)? {
                return Ok(sample);
            }
        }
    }
}

struct Connection {
    socket: TcpStream,
    /// The response so far.
    head: Vec<u8>,
    /// The closing handshake, once it has begun.
    closing: Option<Replies>,
}

impl Connection {
    /// Whether the connection is through with both handshakes.
    fn step(&mut self, target: Target, request: &[u8], close: &[u8]) -> io::Result<bool> {
        let mut buffer = [0; 4096];
        let length = match now(self.socket.read(&mut buffer)) {
            // Some do not answer a Close, or reset the connection after it.
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
        if target.is_raw {
            return Ok(true);
        }
        self.socket.write_all(close)?;
        self.closing = Some(Replies::frames());
        Ok(false)
    }
}
