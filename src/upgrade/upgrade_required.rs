//! The inner service of a layer that has none.

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

/// Answers every request with 426, and over HTTP/2 with 405, or 501 to a `CONNECT`: this resource
/// is a WebSocket.
///
/// The text of the 426 tells what a request lacks that has only some of an opening handshake, as
/// after a proxy that does not pass an upgrade on. The
/// [`HandshakeErrorKind`](crate::handshake::HandshakeErrorKind) is in the response's extensions.
///
/// It is the inner service of [`into_service`](crate::WebSocketUpgradeLayer::into_service).
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
