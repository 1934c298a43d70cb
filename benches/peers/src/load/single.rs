//! A connection with one WebSocket.

use std::io::{self, Read, Write};

use super::{
    connection::Connection,
    epoll::Epoll,
    frames::{Cursor, Frames},
    socket::{Socket, now},
};
use crate::wire::Replies;

/// A connection with one WebSocket.
pub(super) struct Single {
    socket: Socket,
    index: usize,
    replies: Replies,
    cursor: Cursor,
    is_blocked: bool,
}

impl Single {
    /// Takes over a socket that is open.
    pub(super) fn new(mut socket: Socket, index: usize, replies: Replies, epoll: &Epoll) -> io::Result<Self> {
        socket.set_nonblocking()?;
        epoll.add(&socket, index)?;
        Ok(Self { socket, index, replies, cursor: Cursor::default(), is_blocked: false })
    }

    /// Returns the number of answers that have arrived.
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = now(self.socket.read(buffer))?;
        let count = self.replies.feed(&buffer[..length]);
        if self.replies.is_closed() { Err(io::Error::other("closed")) } else { Ok(count) }
    }

    /// Lets this number of messages be sent, and sends until the socket would block.
    pub(super) fn send(&mut self, messages: usize, frames: &Frames, epoll: &Epoll) -> io::Result<()> {
        self.cursor.owe(messages, frames);
        self.socket.flush()?;
        while !self.cursor.is_done() {
            let pending = self.cursor.pending(frames);
            let sent = now(self.socket.write(pending))?;
            self.cursor.advance(sent, frames);
            if sent < pending.len() {
                break;
            }
        }
        let is_blocked = !self.cursor.is_done() || self.socket.has_unsent();
        if self.is_blocked != is_blocked {
            self.is_blocked = is_blocked;
            epoll.want_write(&self.socket, self.index, is_blocked)?;
        }
        Ok(())
    }
}

impl Connection for Single {
    fn start(&mut self, in_flight: usize, frames: &Frames, epoll: &Epoll) -> io::Result<()> {
        self.send(in_flight, frames, epoll)
    }

    fn step(&mut self, buffer: &mut [u8], frames: &Frames, epoll: &Epoll) -> io::Result<usize> {
        let count = self.receive(buffer)?;
        self.send(count, frames, epoll)?;
        Ok(count)
    }
}
