//! The inner service of a layer that has none.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::Service;

use super::refuse::refuse;
use crate::{handshake::HandshakeError, trace::RequestTrace};

/// Answers every request with 426, and over HTTP/2 with 405, or 501 to a `CONNECT`: this resource is a WebSocket.
///
/// The response has the [`RefusalCause`](crate::RefusalCause) in its extensions, as every refusal of a layer.
///
/// It is the inner service of [`into_service`](crate::WebSocketUpgradeLayer::into_service).
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct UpgradeRequired;

impl UpgradeRequired {
    /// Refuses every request.
    pub fn new() -> Self {
        Self
    }
}

impl<B> Service<Request<B>> for UpgradeRequired {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, _) = request.into_parts();
        let error = HandshakeError::not_websocket(parts.version, &parts.method);
        RequestTrace::new(&parts).refused(error.status(), &error);
        ready(Ok(refuse(error).map(Full::new)))
    }
}
