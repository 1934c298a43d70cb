//! Where a load goes.

use std::net::SocketAddr;

use crate::{process::Process, wire::Replies};

/// A running server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
    /// It sends back all bytes as they are, the request too.
    pub(crate) is_raw: bool,
}

impl Target {
    /// What counts the answers to frames of `length` bytes.
    pub(crate) fn replies(&self, length: usize) -> Replies {
        if self.is_raw { Replies::raw(length) } else { Replies::frames() }
    }
}
