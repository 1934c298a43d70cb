//! A span for each connection, and events for errors.

use std::{error::Error, io, net::SocketAddr, sync::Arc};

use http::{HeaderValue, Method, StatusCode, Uri, request::Parts};
use tracing::{Span, debug, field, info_span, warn};

use crate::metrics::{Summary, id::WebSocketId};

/// Whether tracing is enabled.
pub(crate) const IS_ENABLED: bool = true;

/// The fields of a request for a WebSocket that are recorded.
#[derive(Debug)]
pub(crate) struct RequestTrace {
    method: Method,
    uri: Uri,
    id: Option<HeaderValue>,
    peer: Option<SocketAddr>,
}

impl RequestTrace {
    pub(crate) fn new(parts: &Parts) -> Self {
        Self {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            id: parts.headers.get("x-request-id").cloned(),
            peer: parts.extensions.get().copied(),
        }
    }

    /// Records the rejection in the current span, which is the request's if there is one.
    pub(crate) fn rejected(&self, status: StatusCode, error: &dyn Error) {
        let (method, path) = (field::display(&self.method), self.uri.path());
        let peer = self.peer.map(field::display);
        let source = error.source().map(field::display);
        if status.is_server_error() {
            warn!(method, path, peer, status = status.as_u16(), source, "handshake rejected: {error}");
        } else {
            debug!(method, path, peer, status = status.as_u16(), source, "handshake rejected: {error}");
        }
    }

    /// Opens the span of the connection.
    ///
    /// It follows from the current span, which is that of the request. It is not a child, because a
    /// child would keep the request's span open as long as the WebSocket is open.
    pub(crate) fn accepted(self, id: WebSocketId, protocol: Option<&HeaderValue>) -> Trace {
        let span = info_span!(
            parent: None,
            "websocket",
            method = %self.method,
            path = self.uri.path(),
            id = %id,
            request_id = self.id.as_ref().and_then(|id| id.to_str().ok()),
            peer = self.peer.map(field::display),
            protocol = protocol.and_then(|protocol| protocol.to_str().ok()),
            close_code = field::Empty,
            close_reason = field::Empty,
            error = field::Empty,
            messages_received = field::Empty,
            bytes_received = field::Empty,
            messages_sent = field::Empty,
            bytes_sent = field::Empty,
            duration_ms = field::Empty,
        );
        span.follows_from(Span::current());
        Trace { span: Arc::new(span) }
    }
}

/// The span of one connection.
#[derive(Debug)]
pub(crate) struct Trace {
    /// Shared, because cloning a span calls the subscriber.
    span: Arc<Span>,
}

impl Trace {
    /// Records how the connection ended.
    pub(crate) fn ended(self, summary: &Summary) {
        let span = &*self.span;
        let Summary { close_info, received, sent, duration, .. } = summary;
        span.record("close_code", close_info.code());
        span.record("close_reason", close_info.reason());
        if let Some(error) = close_info.error() {
            span.record("error", error);
        }
        span.record("messages_received", received.messages);
        span.record("bytes_received", received.bytes);
        span.record("messages_sent", sent.messages);
        span.record("bytes_sent", sent.bytes);
        span.record("duration_ms", duration.as_millis() as u64);
        debug!(parent: span, "closed");
    }

    /// Returns the scope in which the handler runs.
    pub(crate) fn scope(&self) -> Scope {
        Scope(Some(Arc::clone(&self.span)))
    }
}

/// The scope of a handler. The default does nothing.
#[derive(Debug, Default)]
pub(crate) struct Scope(Option<Arc<Span>>);

impl Scope {
    pub(crate) fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        match &self.0 {
            Some(span) => span.in_scope(f),
            None => f(),
        }
    }
}

pub(crate) fn upgrade_failed(error: &dyn Error) {
    warn!(source = error.source().map(field::display), "{error}");
}

/// Records the error of a handler. It runs in its connection's span.
///
/// If the connection was already closed, the error was usually caused by sending to a peer that is
/// gone.
pub(crate) fn handler_failed(error: &str, is_cause: bool) {
    if is_cause {
        warn!("handler failed: {error}");
    } else {
        debug!("handler failed after the connection was closed: {error}");
    }
}

pub(crate) fn tcp_failed(error: &io::Error) {
    debug!("setting a TCP option failed: {error}");
}

#[cfg(feature = "server")]
pub(crate) fn accept_failed(error: &io::Error) {
    warn!("accepting a connection failed: {error}");
}

#[cfg(feature = "tls")]
pub(crate) fn tls_failed(error: &io::Error) {
    debug!("a TLS handshake failed: {error}");
}
