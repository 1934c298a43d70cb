//! What goes over a connection, where somebody wants to know.

use std::time::Instant;

use crate::{
    close::CloseInfo,
    config::ConfigValues,
    metrics::{Summary, Traffic, id::WebSocketId},
    trace::IS_ENABLED,
};

/// What goes over a connection, where somebody wants to know: without, it costs a pointer.
#[derive(Debug)]
pub(super) struct Meter(Option<Box<Counts>>);

#[derive(Debug)]
struct Counts {
    id: WebSocketId,
    started: Instant,
    received: Traffic,
    sent: Traffic,
}

impl Meter {
    pub(super) fn new(config: &ConfigValues, id: WebSocketId) -> Self {
        let is_wanted = IS_ENABLED || config.on_end.is_some();
        let counts =
            || Counts { id, started: Instant::now(), received: Traffic::default(), sent: Traffic::default() };
        Self(is_wanted.then(|| Box::new(counts())))
    }

    /// A message of so many bytes was received.
    pub(super) fn received(&mut self, bytes: usize) {
        if let Some(counts) = &mut self.0 {
            add(&mut counts.received, bytes);
        }
    }

    /// A message of so many bytes was accepted for sending.
    pub(super) fn sent(&mut self, bytes: usize) {
        if let Some(counts) = &mut self.0 {
            add(&mut counts.sent, bytes);
        }
    }

    /// So many bytes of a stream were accepted for sending, which have begun so many messages.
    pub(super) fn sent_bytes(&mut self, begun: usize, bytes: usize) {
        if let Some(counts) = &mut self.0 {
            counts.sent.messages += begun as u64;
            counts.sent.bytes += bytes as u64;
        }
    }

    /// So many bytes of messages that arrive in pieces were received, in which so many messages
    /// begin.
    pub(super) fn received_bytes(&mut self, begun: usize, bytes: usize) {
        if let Some(counts) = &mut self.0 {
            counts.received.messages += begun as u64;
            counts.received.bytes += bytes as u64;
        }
    }

    /// So many bytes were read.
    pub(super) fn read(&mut self, bytes: usize) {
        if let Some(counts) = &mut self.0 {
            counts.received.wire_bytes += bytes as u64;
        }
    }

    /// So many bytes were written.
    pub(super) fn written(&mut self, bytes: usize) {
        if let Some(counts) = &mut self.0 {
            counts.sent.wire_bytes += bytes as u64;
        }
    }

    /// Returns what the connection was, if anybody wants to know.
    pub(super) fn summary(&mut self, close_info: CloseInfo) -> Option<Summary> {
        let Counts { id, started, received, sent } = *self.0.take()?;
        Some(Summary { id, close_info, received, sent, duration: started.elapsed() })
    }
}

fn add(traffic: &mut Traffic, bytes: usize) {
    traffic.messages += 1;
    traffic.bytes += bytes as u64;
}
