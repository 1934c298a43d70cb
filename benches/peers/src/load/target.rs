//! Where a load goes.

use std::net::SocketAddr;

use crate::{
    compression::Compression,
    process::Process,
    wire::{Opcode, Replies, compressed_frame, frame, request},
};

/// A running server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
    /// It sends back all bytes as they are, the request too.
    pub(crate) is_raw: bool,
    pub(crate) compression: Option<Compression>,
}

impl Target {
    /// The request that opens a WebSocket at this path.
    pub(crate) fn request(&self, path: &str) -> Vec<u8> {
        request(path, self.address, self.compression)
    }

    /// One whole message as one masked frame.
    pub(crate) fn frame(&self, opcode: Opcode, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
        let frame = if self.compression.is_some() { compressed_frame } else { frame };
        frame(opcode, payload, mask)
    }

    /// What counts the answers to frames of `length` bytes.
    pub(crate) fn replies(&self, length: usize) -> Replies {
        if self.is_raw { Replies::raw(length) } else { Replies::frames() }
    }
}
