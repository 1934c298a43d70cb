//! Asking the handshake service.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use http::{Request, Response, request::Parts};
use tower::{Service, ServiceExt};

use super::{
    Handshake, HandshakeError, Rejection,
    protocol::Offered,
    request::UpgradeRequest,
    response::{NegotiatedHeaders, SuccessResponse},
};
use crate::deflate::Offers;

/// Trait alias for a handshake service: any [`Service`] from a request with a [`Handshake`] to a
/// response with a value attached.
///
/// It is implemented for every service that fits and need not be implemented by hand: for
/// `tower::service_fn` of an `async fn(Request<Handshake>) -> Result<Response<T>, Rejection>`,
/// [`handshake_fn`](crate::handshake_fn()) where it needs state, or such a one wrapped in
/// middleware.
///
/// The service is cloned for each request, and that clone is polled ready before it is called. It
/// answers under a deadline ([`Config::handshake_timeout`](crate::Config::handshake_timeout)), and
/// a panic in it costs that request a 500 and nothing else. It need not be `Sync`: tower's
/// `BoxCloneService` will do.
pub trait HandshakeService:
    Service<
        Request<Handshake>,
        Response = Response<Self::Extra>,
        Error: Into<Rejection>,
        Future: Send + 'static,
    > + Clone
    + Send
    + 'static
{
    /// The value that an accepted handshake hands to the handler.
    type Extra: Send + 'static;
}

impl<H, T> HandshakeService for H
where
    H: Service<Request<Handshake>, Response = Response<T>, Error: Into<Rejection>, Future: Send + 'static>
        + Clone
        + Send
        + 'static,
    T: Send + 'static,
{
    type Extra = T;
}

/// An accepted handshake.
#[derive(Debug)]
pub(crate) struct Accepted<T> {
    /// What goes out.
    pub(crate) response: Response<()>,
    /// What it agrees on.
    pub(crate) negotiated: NegotiatedHeaders,
    /// What the handshake service attached.
    pub(crate) extra: T,
}

impl<T> Accepted<T> {
    /// Puts right an accepting response to a request that offers `offered` and `extensions`.
    pub(crate) fn settle(
        response: Response<T>,
        acceptance: SuccessResponse,
        offered: &Offered,
        extensions: &Offers,
    ) -> Self {
        let (mut head, extra) = response.into_parts();
        let negotiated = acceptance.settle(&mut head.headers, offered, extensions);
        Self { response: Response::from_parts(head, ()), negotiated, extra }
    }
}

/// Asks `service` about a checked request.
pub(crate) async fn ask<H: HandshakeService>(
    service: H,
    parts: Parts,
    upgrade: UpgradeRequest,
    extensions: &Offers,
    timeout: Duration,
) -> Result<Accepted<H::Extra>, HandshakeError> {
    let acceptance = upgrade.acceptance.clone();
    let offered = upgrade.offered.clone();
    let request = Request::from_parts(parts, Handshake::new(upgrade, extensions.answer()));
    // `call` itself may panic too, so it has to happen inside the future that is caught.
    let answer = AssertUnwindSafe(async { service.oneshot(request).await }).catch_unwind();
    let response = match tokio::time::timeout(timeout, answer).await {
        Err(_) => return Err(HandshakeError::TimedOut(timeout)),
        Ok(Err(_)) => return Err(HandshakeError::Panicked),
        Ok(Ok(Err(rejection))) => return Err(rejection.into().over(acceptance.kind()).into()),
        Ok(Ok(Ok(response))) => response,
    };
    if response.status() != acceptance.status() {
        return Err(Rejection::new(response.map(|_| "")).over(acceptance.kind()).into());
    }
    Ok(Accepted::settle(response, acceptance, &offered, extensions))
}
