//! What a connection weighs that does nothing.

use std::{io, thread, time::Duration};

use super::{
    Sample, Target,
    socket::{open, prove},
};
use crate::wire::Payload;

/// How many connections come and go before the others are weighed.
const FIRST: usize = 10;

/// Each connection has one message echoed, then all are silent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Idle {
    pub(crate) connections: usize,
    /// Bytes in the message.
    pub(crate) size: usize,
    pub(crate) payload: Payload,
}

impl Idle {
    /// The sample is kilobytes of resident memory for each connection.
    pub(crate) fn measure(&self, target: Target) -> io::Result<Sample> {
        let payload = self.payload.bytes(self.size, 0);
        let opcode = self.payload.opcode();
        let frame = target.frame(opcode, &payload, [9, 8, 7, 6]);
        let request = target.request("/echo");
        let run = |count| {
            let sockets = open(target, &request, count)?;
            for socket in &sockets {
                prove(socket, target, &frame, opcode, &payload)?;
            }
            thread::sleep(Duration::from_millis(300));
            io::Result::Ok(sockets)
        };
        // What the first connections cost the process, and what its allocator keeps of that, is not
        // a connection's weight.
        drop(run(FIRST)?);
        thread::sleep(Duration::from_millis(100));
        let before = target.process.resident()?;
        let sockets = run(self.connections)?;
        let after = target.process.resident()?;
        let value = after.saturating_sub(before) as f64 / sockets.len() as f64 / 1000.0;
        Ok(Sample { value, disturbance: 0.0 })
    }
}
