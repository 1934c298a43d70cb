//! The pieces of work with the IO, and their results.

use std::io;

use tungstenite::Error;

use crate::codec::Decoded;

/// A piece of work with the IO. None of them waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Read the available data, up to the size of a buffer.
    Read,
    /// Read the available data and discard it.
    Discard,
    /// Write the data in flight.
    Write,
    /// Write the data in flight, which precedes the end of the stream.
    WriteLast,
    /// Shut down this side.
    ShutDown,
}

/// The result of a piece of work.
#[derive(Debug)]
pub(super) enum Outcome {
    Read {
        bytes: usize,
        /// Whether the IO has no more data for now, and will wake the connection when it has.
        is_pending: bool,
        /// The result of decoding bytes that were read directly into a large message.
        decoded: Option<Box<Result<Decoded, Error>>>,
    },
    Written {
        bytes: usize,
        /// Whether the IO accepts no more data for now, and will wake the connection when it does.
        is_blocked: bool,
        error: Option<io::Error>,
    },
    ShutDown {
        is_pending: bool,
    },
}
