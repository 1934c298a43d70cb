//! A span for each connection, and events for what goes wrong.

use std::{error::Error, fmt::Display, io, time::Instant};

use http::{HeaderValue, StatusCode, request::Parts};
use tracing::{Span, debug, field, info_span, warn};

/// The span of one connection, and what it will have carried.
#[derive(Debug)]
pub(crate) struct Trace {
    span: Span,
    started: Instant,
    received: Count,
    sent: Count,
    has_ended: bool,
}

#[derive(Debug, Default)]
struct Count {
    messages: u64,
    bytes: u64,
}

impl Count {
    fn add(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes as u64;
    }
}

impl Trace {
    pub(crate) fn new(parts: &Parts, peer: Option<&dyn Display>) -> Self {
        let span = info_span!(
            "websocket",
            method = %parts.method,
            path = parts.uri.path(),
            peer = field::Empty,
            protocol = field::Empty,
            close_code = field::Empty,
            close_reason = field::Empty,
            error = field::Empty,
            messages_received = field::Empty,
            bytes_received = field::Empty,
            messages_sent = field::Empty,
            bytes_sent = field::Empty,
            duration_ms = field::Empty,
        );
        if let Some(peer) = peer {
            span.record("peer", field::display(peer));
        }
        let started = Instant::now();
        Self { span, started, received: Count::default(), sent: Count::default(), has_ended: false }
    }

    pub(crate) fn refused(&self, status: StatusCode, error: &dyn Error) {
        let source = error.source().map(field::display);
        let is_server_error = status.is_server_error();
        let status = status.as_u16();
        let _entered = self.span.enter();
        if is_server_error {
            warn!(status, source, "handshake refused: {error}");
        } else {
            debug!(status, source, "handshake refused: {error}");
        }
    }

    pub(crate) fn accepted(&self, protocol: Option<&HeaderValue>) {
        if let Some(protocol) = protocol.and_then(|protocol| protocol.to_str().ok()) {
            self.span.record("protocol", protocol);
        }
    }

    pub(crate) fn received(&mut self, bytes: usize) {
        self.received.add(bytes);
    }

    pub(crate) fn sent(&mut self, bytes: usize) {
        self.sent.add(bytes);
    }

    /// Records how the connection ended. Only the first call counts.
    pub(crate) fn ended(&mut self, code: u16, reason: &str, error: Option<&str>) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        let span = &self.span;
        span.record("close_code", code);
        span.record("close_reason", reason);
        if let Some(error) = error {
            span.record("error", error);
        }
        span.record("messages_received", self.received.messages);
        span.record("bytes_received", self.received.bytes);
        span.record("messages_sent", self.sent.messages);
        span.record("bytes_sent", self.sent.bytes);
        span.record("duration_ms", self.started.elapsed().as_millis() as u64);
        debug!(parent: span, "closed");
    }

    /// What the handler runs in.
    pub(crate) fn scope(&self) -> Scope {
        Scope(self.span.clone())
    }
}

#[derive(Debug)]
pub(crate) struct Scope(Span);

impl Scope {
    pub(crate) fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        self.0.in_scope(f)
    }
}

pub(crate) fn upgrade_failed(error: &dyn Error) {
    warn!(source = error.source().map(field::display), "{error}");
}

pub(crate) fn tcp_failed(error: &io::Error) {
    debug!("setting a TCP option failed: {error}");
}

pub(crate) fn accept_failed(error: &io::Error) {
    warn!("accepting a connection failed: {error}");
}

#[cfg(feature = "tls")]
pub(crate) fn tls_failed(error: &io::Error) {
    debug!("a TLS handshake failed: {error}");
}
