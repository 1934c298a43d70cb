//! HTTP for the servers that are functions in a hyper service.

use std::{convert::Infallible, error::Error, future::ready};

use hyper::{
    Request, Response,
    body::{Body, Incoming},
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::io::Io;

/// HTTP/1.1.
pub(super) async fn hyper_connection<IO: Io, B>(io: IO, respond: impl Fn(Request<Incoming>) -> Response<B>)
where
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let service = service_fn(move |request| ready(Ok::<_, Infallible>(respond(request))));
    // It fails if the client goes away.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(io), service).with_upgrades().await;
}

/// HTTP/2 with extended CONNECT.
pub(super) async fn http2_connection<IO: Io, B>(
    io: IO,
    respond: impl Fn(Request<Incoming>) -> Response<B> + Send,
) where
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let service = service_fn(move |request| ready(Ok::<_, Infallible>(respond(request))));
    let mut http2 = http2::Builder::new(TokioExecutor::new());
    // It fails if the client goes away.
    let _ = http2.enable_connect_protocol().serve_connection(TokioIo::new(io), service).await;
}
