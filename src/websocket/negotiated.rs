//! The results of the opening handshake.

use std::{any::Any, sync::Arc};

use http::HeaderValue;
use tungstenite::protocol::Role;

use super::connection_guard::ConnectionGuard;
use crate::{
    config::ConfigValues,
    deflate::NegotiatedDeflate,
    metrics::id::WebSocketId,
    trace::{Trace, tcp_failed},
};

/// The results of the opening handshake that its connection needs.
#[derive(Debug)]
pub(crate) struct Negotiated {
    pub(crate) id: WebSocketId,
    /// Which side of the connection this is.
    pub(crate) role: Role,
    pub(crate) config: Arc<ConfigValues>,
    pub(crate) guard: ConnectionGuard,
    pub(crate) protocol: Option<HeaderValue>,
    pub(crate) deflate: NegotiatedDeflate,
    /// `None` disables tracing.
    pub(crate) trace: Option<Trace>,
}

impl Negotiated {
    /// Sets the options of a TCP socket. This may fail if the socket is already closed, so a
    /// failure is only logged.
    pub(crate) fn set_tcp_options(&self, io: &dyn Any) {
        if let Err(error) = self.config.tcp.apply(io) {
            tcp_failed(&error);
        }
    }
}
