//! The checks of a request under a configuration, before the handshake service is called.

use std::sync::Arc;

use http::{Response, StatusCode, request::Parts};
use tungstenite::protocol::Role;

use super::header_case;
use crate::{
    config::ConfigValues,
    deflate::Offers,
    handshake::{Accepted, HandshakeError, HandshakeKind, UpgradeRequest},
    trace::RequestTrace,
    websocket::{ConnectionGuard, GuardError, Negotiated, WebSocketId},
};

/// The result of the checks: the resources that the request's connection will use.
#[derive(Debug)]
pub(super) struct Admission {
    /// Counts the socket for the limit and for the shutdown.
    pub(super) guard: ConnectionGuard,
    /// The compression that the client offers, if it is configured.
    pub(super) offers: Offers,
}

/// Checks the request with the head `parts` against the rules of its `kind`, and against `config`.
pub(super) fn check(
    parts: &Parts,
    kind: HandshakeKind,
    config: &ConfigValues,
) -> Result<(UpgradeRequest, Admission), HandshakeError> {
    let upgrade = UpgradeRequest::parse(parts, kind)?;
    Ok((upgrade, Admission::new(parts, config)?))
}

impl Admission {
    /// Checks the host and the origin of the request with the head `parts`, and counts its socket.
    pub(super) fn new(parts: &Parts, config: &ConfigValues) -> Result<Self, HandshakeError> {
        config.allow_host.check(parts)?;
        config.allow_origin.check(parts)?;
        let shutdown = config.shutdown.as_ref().or_else(|| parts.extensions.get());
        let guard =
            ConnectionGuard::acquire(config.permits.as_ref(), shutdown).map_err(|error| match error {
                GuardError::ShuttingDown => HandshakeError::ShuttingDown,
                GuardError::TooManyConnections => HandshakeError::TooManyConnections,
            })?;
        Ok(Self { guard, offers: Offers::new(&parts.headers, &config.deflate) })
    }
}

/// Completes an accepted handshake. Returns the response, and the values for the connection.
pub(super) fn complete<T>(
    accepted: Accepted<T>,
    guard: ConnectionGuard,
    config: Arc<ConfigValues>,
    trace: RequestTrace,
) -> (Response<()>, Negotiated, T) {
    let Accepted { mut response, negotiated, extra } = accepted;
    if config.canonical_header_case && response.status() == StatusCode::SWITCHING_PROTOCOLS {
        response.extensions_mut().extend(header_case::extensions().clone());
    }
    let id = WebSocketId::next();
    let trace = trace.accepted(id, negotiated.protocol.as_ref());
    let negotiated = Negotiated {
        id,
        role: Role::Server,
        config,
        guard,
        protocol: negotiated.protocol,
        deflate: negotiated.deflate,
        trace: Some(trace),
    };
    (response, negotiated, extra)
}
