//! The inner service of a layer that is used as a service by itself.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use http::{Request, Response};
use tower::Service;

use crate::{
    accept::reject,
    handshake::{HandshakeError, RejectionBody},
};

/// A service that rejects every request, because this resource is a WebSocket: with 426, over
/// HTTP/2 with 405, or with 501 for a `CONNECT`.
///
/// If the opening handshake of a request is incomplete, which happens behind a proxy that does not
/// forward upgrades, the text of the 426 names the missing parts. The response's extensions contain
/// the [`HandshakeErrorKind`](crate::handshake::HandshakeErrorKind).
///
/// This is the inner service of [`into_service`](crate::WebSocketUpgradeLayer::into_service).
///
/// # Examples
///
/// ```
/// use http::Request;
/// use tower::ServiceExt;
/// use tower_websocket::upgrade::UpgradeRequired;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let response = UpgradeRequired.oneshot(Request::new(())).await.unwrap();
/// assert_eq!(response.status(), 426);
/// assert_eq!(response.headers()["upgrade"], "websocket");
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct UpgradeRequired;

impl<B> Service<Request<B>> for UpgradeRequired {
    type Response = Response<RejectionBody>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let error = HandshakeError::not_websocket(&request);
        let (parts, _) = request.into_parts();
        ready(Ok(reject(&parts, error).into_response()))
    }
}
