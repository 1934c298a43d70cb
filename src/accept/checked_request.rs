//! A checked request that is accepted without a handshake service.

use std::{
    mem,
    sync::{Mutex, PoisonError},
};

use http::{HeaderValue, Request, Response, header::SEC_WEBSOCKET_PROTOCOL, request::Parts};

use super::{
    PendingUpgrade,
    acceptor::reject,
    admission::{Admission, complete},
    pending_upgrade::{IoSource, check_upgradable},
};
use crate::{
    config::Config,
    handshake::{Accepted, Handshake, HandshakeError, HandshakeKind, Offered, UpgradeRequest, kind_of},
    trace::RequestTrace,
};

/// A request for a WebSocket that has passed every check. The caller decides whether to accept it.
pub(crate) struct CheckedRequest {
    parts: Parts,
    upgrade: UpgradeRequest,
    /// Never locked. The mutex only makes the type `Sync`.
    source: Mutex<IoSource>,
    config: Config,
    /// An error if a configuration that was set after the first check rejects the request.
    admission: Result<Admission, HandshakeError>,
}

impl CheckedRequest {
    /// Returns whether the request with the head `parts` asks for a WebSocket, even if its
    /// handshake is invalid.
    pub(crate) fn asks(parts: &mut Parts) -> bool {
        as_request(parts, |request| HandshakeKind::of(request).is_some())
    }

    /// Checks the request with the head `parts`, and takes its IO from the extensions.
    pub(crate) fn take(parts: &mut Parts, config: Config) -> Result<Self, HandshakeError> {
        Self::check(parts, config).map_err(|error| reject(parts, error))
    }

    fn check(parts: &mut Parts, config: Config) -> Result<Self, HandshakeError> {
        let kind = as_request(parts, kind_of)?;
        let (upgrade, admission, source) = check_upgradable(parts, kind, config.values())?;
        Ok(Self {
            parts: parts.clone(),
            upgrade,
            source: Mutex::new(source),
            config,
            admission: Ok(admission),
        })
    }

    /// Returns the subprotocols that the client offers.
    pub(crate) fn offered(&self) -> &Offered {
        &self.upgrade.offered
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Changes limits of the configuration that the checks do not use.
    pub(crate) fn map_limits(mut self, f: impl FnOnce(Config) -> Config) -> Self {
        self.config = f(self.config);
        self
    }

    /// Checks the request again, with another configuration. If it is rejected now,
    /// [`accept`](Self::accept) returns the error.
    pub(crate) fn with_config(self, config: Config) -> Self {
        let Self { parts, upgrade, source, config: _, admission } = self;
        // Dropped before the second check, because both may count under the same limit.
        drop(admission);
        let admission = Admission::new(&parts, config.values());
        Self { parts, upgrade, source, config, admission }
    }

    /// Accepts the request, with the subprotocol `protocol` if the client offers it.
    pub(crate) fn accept(
        self,
        protocol: Option<HeaderValue>,
    ) -> Result<(Response<()>, PendingUpgrade<()>), HandshakeError> {
        let Self { parts, upgrade, source, config, admission } = self;
        let admission = admission.map_err(|error| reject(&parts, error))?;
        let (acceptance, offered) = (upgrade.acceptance.clone(), upgrade.offered.clone());
        let mut handshake = Handshake::new(upgrade, admission.offers.answer());
        if let Some(protocol) = protocol {
            handshake.response_mut().headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        let accepted = Accepted::settle(handshake.accept(()), acceptance, &offered, &admission.offers);
        let (response, negotiated, ()) =
            complete(accepted, admission.guard, config.into_values(), RequestTrace::new(&parts));
        let source = source.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok((response, PendingUpgrade::new(source, negotiated, ())))
    }
}

/// Calls `f` with a request that has the head `parts`.
fn as_request<R>(parts: &mut Parts, f: impl FnOnce(&Request<()>) -> R) -> R {
    let (empty, ()) = Request::new(()).into_parts();
    let request = Request::from_parts(mem::replace(parts, empty), ());
    let result = f(&request);
    *parts = request.into_parts().0;
    result
}
