//! What an accepted handshake leaves for its connection.

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

/// What an accepted handshake leaves for its connection.
#[derive(Debug)]
pub(crate) struct Negotiated {
    pub(crate) id: WebSocketId,
    /// Which side of the connection this is.
    pub(crate) role: Role,
    pub(crate) config: Arc<ConfigValues>,
    pub(crate) permit: ConnectionGuard,
    pub(crate) protocol: Option<HeaderValue>,
    pub(crate) deflate: NegotiatedDeflate,
    /// `None` records nothing.
    pub(crate) trace: Option<Trace>,
}

impl Negotiated {
    /// Sets the options of a TCP socket. One that is closed already may not take them.
    pub(crate) fn set_tcp_options(&self, io: &dyn Any) {
        if let Err(error) = self.config.tcp.apply(io) {
            tcp_failed(&error);
        }
    }
}
