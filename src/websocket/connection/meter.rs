//! The traffic counts of a connection.

use tokio::time::Instant;

use crate::{
    close::CloseInfo,
    config::ConfigValues,
    metrics::{Summary, Traffic, id::WebSocketId},
    trace::IS_ENABLED,
};

/// The traffic counts of a connection, if they are used. Otherwise it costs only a pointer.
#[derive(Debug)]
pub(super) struct Meter(Option<Box<SocketCounts>>);

#[derive(Debug)]
struct SocketCounts {
    id: WebSocketId,
    started: Instant,
    received: Traffic,
    sent: Traffic,
}

impl Meter {
    pub(super) fn new(config: &ConfigValues, id: WebSocketId) -> Self {
        let is_wanted = IS_ENABLED || config.on_end.is_some();
        let counts = || SocketCounts {
            id,
            started: Instant::now(),
            received: Traffic::default(),
            sent: Traffic::default(),
        };
        Self(is_wanted.then(|| Box::new(counts())))
    }

    /// Counts a received message of `bytes` bytes.
    pub(super) fn received(&mut self, bytes: usize) {
        if let Some(counts) = &mut self.0 {
            add(&mut counts.received, bytes);
        }
    }

    /// Counts a message of `bytes` bytes that was accepted for sending.
    pub(super) fn sent(&mut self, bytes: usize) {
        if let Some(counts) = &mut self.0 {
            add(&mut counts.sent, bytes);
        }
    }

    /// Counts `bytes` bytes of a stream that were accepted for sending, and that began `begun`
    /// messages.
    pub(super) fn sent_bytes(&mut self, begun: usize, bytes: usize) {
        if let Some(counts) = &mut self.0 {
            counts.sent.messages += begun as u64;
            counts.sent.bytes += bytes as u64;
        }
    }

    /// Counts `bytes` bytes of messages that arrive in pieces, and that began `begun` messages.
    pub(super) fn received_bytes(&mut self, begun: usize, bytes: usize) {
        if let Some(counts) = &mut self.0 {
            counts.received.messages += begun as u64;
            counts.received.bytes += bytes as u64;
        }
    }

    /// Counts `bytes` bytes that were read from the IO.
    pub(super) fn read(&mut self, bytes: usize) {
        if let Some(counts) = &mut self.0 {
            counts.received.wire_bytes += bytes as u64;
        }
    }

    /// Counts `bytes` bytes that were written to the IO.
    pub(super) fn written(&mut self, bytes: usize) {
        if let Some(counts) = &mut self.0 {
            counts.sent.wire_bytes += bytes as u64;
        }
    }

    /// Returns the summary of the connection, if it is used.
    pub(super) fn summary(&mut self, close_info: CloseInfo) -> Option<Summary> {
        let SocketCounts { id, started, received, sent } = *self.0.take()?;
        Some(Summary { id, close_info, received, sent, duration: started.elapsed() })
    }
}

fn add(traffic: &mut Traffic, bytes: usize) {
    traffic.messages += 1;
    traffic.bytes += bytes as u64;
}
