//! The server that a load is sent to.

use std::{net::SocketAddr, sync::Arc};

use tokio_rustls::rustls::ClientConfig;

use crate::{
    process::Process,
    setup::Setup,
    wire::{Opcode, Replies, compressed_frame, frame, request},
};

/// A running server.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) process: Process,
    /// Whether it sends back all bytes unchanged, the request included.
    pub(crate) is_raw: bool,
    pub(crate) setup: Setup,
    /// How to trust its certificate, if it uses TLS.
    pub(crate) tls: Option<Arc<ClientConfig>>,
}

impl Target {
    /// Returns the request that opens a WebSocket at this path.
    pub(crate) fn request(&self, path: &str) -> Vec<u8> {
        request(path, self.address, self.setup.compression)
    }

    /// Returns one message as one masked frame.
    pub(crate) fn frame(&self, opcode: Opcode, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
        let frame = if self.setup.compression.is_some() { compressed_frame } else { frame };
        frame(opcode, payload, mask)
    }

    /// Returns a counter of the answers to frames of `length` bytes.
    pub(crate) fn replies(&self, length: usize) -> Replies {
        if self.is_raw { Replies::raw(length) } else { Replies::frames() }
    }
}
