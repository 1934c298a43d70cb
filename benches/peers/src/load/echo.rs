//! Messages that the server sends back.

use std::{io, time::Duration};

use super::{
    Sample, Target,
    connection::Connection,
    epoll::Epoll,
    frames::Frames,
    multiplexed::Multiplexed,
    opening::{open, prove},
    sample::Sampling,
    single::Single,
    socket::Socket,
};
use crate::{setup::Transport, wire::Payload};

/// Each WebSocket keeps `in_flight` messages under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Echo {
    /// WebSockets: each has a connection of its own, or over HTTP/2 a stream.
    pub(crate) connections: usize,
    pub(crate) in_flight: usize,
    /// Further connections that have one message and are silent afterwards.
    pub(crate) idle: usize,
    /// Bytes in a message.
    pub(crate) size: usize,
    pub(crate) payload: Payload,
    /// Bytes in a fragment. `None` sends each message in one frame.
    pub(crate) fragment: Option<usize>,
}

impl Echo {
    /// Returns a sample of one message.
    pub(crate) fn measure(&self, target: &Target, length: Duration) -> io::Result<Sample> {
        let frames = Frames::new(self, target);
        if target.setup.transport == Transport::Http2 {
            let first = self.payload.bytes(self.size, 0);
            let mut connections = Multiplexed::open(target, self.connections)?;
            for connection in &mut connections {
                connection.prove(&frames, self.payload.opcode(), &first)?;
            }
            let epoll = Epoll::new()?;
            for (index, connection) in connections.iter_mut().enumerate() {
                connection.register(index, &epoll)?;
            }
            return self.run(connections, &frames, epoll, target, length);
        }
        let (opcode, request) = (self.payload.opcode(), target.request("/echo"));
        let payload = self.payload.bytes(self.size, 0);
        let prove = |socket: &mut Socket| prove(socket, target, frames.first(), opcode, &payload);

        let mut idle = open(target, &request, self.idle)?;
        idle.iter_mut().try_for_each(prove)?;
        let mut sockets = open(target, &request, self.connections)?;
        sockets.iter_mut().take(1).try_for_each(prove)?;

        let epoll = Epoll::new()?;
        let replies = target.replies(frames.first().len());
        let connections = sockets
            .into_iter()
            .enumerate()
            .map(|(index, socket)| Single::new(socket, index, replies.clone(), &epoll))
            .collect::<io::Result<Vec<_>>>()?;
        self.run(connections, &frames, epoll, target, length)
    }

    fn run(
        &self,
        mut connections: Vec<impl Connection>,
        frames: &Frames,
        mut epoll: Epoll,
        target: &Target,
        length: Duration,
    ) -> io::Result<Sample> {
        for connection in &mut connections {
            connection.start(self.in_flight, frames, &epoll)?;
        }
        let mut sampling = Sampling::new(target, length);
        let mut buffer = vec![0; 1 << 20];
        let mut ready = Vec::new();
        let mut done = 0;
        loop {
            ready.extend(epoll.wait()?);
            for index in ready.drain(..) {
                done += connections[index].step(&mut buffer, frames, &epoll)? as u64;
            }
            if let Some(sample) = sampling.tick(done)? {
                return Ok(sample);
            }
        }
    }
}
