//! The bounds of a handshake service, and how it is called.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::{FutureExt, TryFutureExt};
use http::{Request, Response, request::Parts};
use tower::{Service, ServiceExt};

use super::{
    Handshake, HandshakeError, Rejection,
    protocol::Offered,
    request::UpgradeRequest,
    response::{NegotiatedHeaders, SuccessResponse},
};
use crate::deflate::Offers;

/// Trait alias for a handshake service: any [`Service`] that takes a request with a [`Handshake`]
/// and returns a response with an attached value.
///
/// It is implemented for every such service; do not implement it yourself. Services are, for
/// example:
///
/// - `tower::service_fn` of an `async fn(Request<Handshake>) -> Result<Response<T>, Rejection>`;
/// - [`handshake_fn`](crate::handshake_fn()) of a state and such a function;
/// - either of them wrapped in middleware.
///
/// The service is cloned for each request, and the clone is polled until it is ready before it is
/// called. It has to respond within
/// [`Config::handshake_timeout`](crate::Config::handshake_timeout). If it or the conversion of its
/// error panics, that request is answered with 500, and other requests are not affected. The
/// service need not be `Sync`, so tower's `BoxCloneService` can be used.
///
/// # Examples
///
/// A handshake service with tower's timeout, which is answered with 503:
///
/// ```
/// use std::time::Duration;
/// use http::{Request, Response, StatusCode};
/// use tower::{ServiceBuilder, service_fn};
/// use tower_websocket::{Handshake, Rejection, WebSocketUpgradeLayer};
///
/// async fn handshake(request: Request<Handshake>) -> Result<Response<String>, Rejection> {
///     let user = request.uri().query().ok_or(StatusCode::UNAUTHORIZED)?.to_owned();
///     Ok(request.into_body().accept(user))
/// }
///
/// let handshake =
///     ServiceBuilder::new().timeout(Duration::from_secs(1)).service(service_fn(handshake));
/// let layer = WebSocketUpgradeLayer::new(handshake, async |mut socket, user| {
///     let _ = socket.send(format!("hello, {user}")).await;
/// });
/// ```
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
    /// The type of the value that an accepted handshake passes to the handler.
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
    /// The response for the client.
    pub(crate) response: Response<()>,
    /// The negotiated values.
    pub(crate) negotiated: NegotiatedHeaders,
    /// The value that the handshake service attached.
    pub(crate) extra: T,
}

impl<T> Accepted<T> {
    /// Corrects the accepting response to a request with these offers.
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

/// Calls `service` with a checked request.
///
/// All of it is moved into the future here: an async function would have room for it twice.
pub(crate) fn ask<H: HandshakeService>(
    service: H,
    parts: Parts,
    upgrade: UpgradeRequest,
    extensions: Offers,
    timeout: Duration,
) -> impl Future<Output = Result<Accepted<H::Extra>, HandshakeError>> {
    let acceptance = upgrade.acceptance.clone();
    let offered = upgrade.offered.clone();
    let request = Request::from_parts(parts, Handshake::new(upgrade, extensions.answer()));
    // `call` and the conversion of its error can panic as well.
    let answer = service.oneshot(request).map_err(Into::<Rejection>::into);
    let answer = AssertUnwindSafe(answer).catch_unwind();
    tokio::time::timeout(timeout, answer).map(move |answer| {
        let response = match answer {
            Err(_) => return Err(HandshakeError::TimedOut(timeout)),
            Ok(Err(_)) => return Err(HandshakeError::Panicked),
            Ok(Ok(Err(rejection))) => return Err(rejection.over(acceptance.kind()).into()),
            Ok(Ok(Ok(response))) => response,
        };
        if response.status() != acceptance.status() {
            return Err(Rejection::new(response.map(|_| "")).over(acceptance.kind()).into());
        }
        Ok(Accepted::settle(response, acceptance, &offered, &extensions))
    })
}
