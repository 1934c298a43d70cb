//! A connection that keeps messages in flight.

use std::io;

use super::{epoll::Epoll, frames::Frames};

/// A connection that keeps messages in flight, on one WebSocket or on several.
pub(super) trait Connection {
    /// Sends the first messages: `in_flight` on each WebSocket.
    fn start(&mut self, in_flight: usize, frames: &Frames, epoll: &Epoll) -> io::Result<()>;

    /// Reads and writes until that would block. Sends a message for each answer, and returns the
    /// number of answers.
    fn step(&mut self, buffer: &mut [u8], frames: &Frames, epoll: &Epoll) -> io::Result<usize>;
}
