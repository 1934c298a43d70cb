//! What an accepted handshake leaves for its connection.

use std::sync::Arc;

use http::HeaderValue;

use super::connection_guard::ConnectionGuard;
use crate::metrics::id::WebSocketId;
use crate::{config::ConfigValues, deflate::NegotiatedDeflate, trace::Trace};

/// What an accepted handshake leaves for its connection.
#[derive(Debug)]
pub(crate) struct Negotiated {
    pub(crate) id: WebSocketId,
    pub(crate) config: Arc<ConfigValues>,
    pub(crate) permit: ConnectionGuard,
    pub(crate) protocol: Option<HeaderValue>,
    pub(crate) deflate: NegotiatedDeflate,
    pub(crate) trace: Trace,
}
