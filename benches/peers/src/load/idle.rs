//! The memory of a connection that does nothing.

use std::{any::Any, io, thread, time::Duration};

use super::{
    Sample, Target,
    frames::Frames,
    multiplexed::Multiplexed,
    opening::{open, prove},
};
use crate::{setup::Transport, wire::Payload};

/// How many connections come and go before the others are measured.
const FIRST: usize = 10;

const MASK: [u8; 4] = [9, 8, 7, 6];

/// Each WebSocket has one message echoed. Afterwards all are silent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Idle {
    /// WebSockets: each has a connection of its own, or over HTTP/2 a stream.
    pub(crate) connections: usize,
    /// Bytes in the message.
    pub(crate) size: usize,
    pub(crate) payload: Payload,
}

impl Idle {
    /// Returns the kilobytes of resident memory for each WebSocket.
    pub(crate) fn measure(&self, target: &Target) -> io::Result<Sample> {
        // The memory that the process needs for the first connections, and the memory that its
        // allocator keeps of them, does not belong to one connection.
        drop(self.open(target, FIRST)?);
        thread::sleep(Duration::from_millis(100));
        let before = target.process.resident()?;
        let open = self.open(target, self.connections)?;
        let after = target.process.resident()?;
        drop(open);
        let value = after.saturating_sub(before) as f64 / self.connections as f64 / 1000.0;
        Ok(Sample { values: vec![value], rate: 0.0, disturbance: 0.0 })
    }

    /// Opens WebSockets and has a message echoed on each. The connections stay open until the
    /// result is dropped.
    fn open(&self, target: &Target, count: usize) -> io::Result<Box<dyn Any>> {
        let payload = self.payload.bytes(self.size, 0);
        let opcode = self.payload.opcode();
        let connections: Box<dyn Any> = if target.setup.transport == Transport::Http2 {
            let frames = Frames::of(target.frame(opcode, &payload, MASK));
            let mut connections = Multiplexed::open(target, count)?;
            connections.iter_mut().try_for_each(|connection| connection.prove(&frames, opcode, &payload))?;
            Box::new(connections)
        } else {
            let frame = target.frame(opcode, &payload, MASK);
            let mut sockets = open(target, &target.request("/echo"), count)?;
            sockets.iter_mut().try_for_each(|socket| prove(socket, target, &frame, opcode, &payload))?;
            Box::new(sockets)
        };
        thread::sleep(Duration::from_millis(300));
        Ok(connections)
    }
}
