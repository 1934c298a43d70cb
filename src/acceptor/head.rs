//! Reads one request head from a raw stream, with hyper's parser.

use std::{
    fmt,
    future::{Ready, poll_fn, ready},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::{body::Incoming, server::conn::http1, service::Service};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

use super::AcceptErrorKind;

/// Reads one request head; gives back the IO and what was read beyond the head, however it went.
///
/// hyper has the parser and its limits (100 headers, about 400 KiB), but no way to parse without serving. So it
/// serves, with a service that keeps the request and fails: then hyper writes nothing and gives everything back.
/// Only to bytes that are no HTTP does hyper itself answer, with 400, 414 or 431.
pub(super) async fn read<IO>(io: IO, limit: Duration) -> (IO, Bytes, Result<Request<()>, AcceptErrorKind>)
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(io), Capture::default());
    let served = timeout(limit, poll_fn(|cx| connection.poll_without_shutdown(cx))).await;
    let parts = connection.into_parts();
    let captured = parts.service.0.into_inner().unwrap_or_else(PoisonError::into_inner);
    let request = match (captured, served) {
        (Some(request), _) => Ok(request),
        (None, Err(_)) => Err(AcceptErrorKind::TimedOut(limit)),
        (None, Ok(Ok(()))) => Err(AcceptErrorKind::UnexpectedEof),
        (None, Ok(Err(error))) if error.is_incomplete_message() => Err(AcceptErrorKind::UnexpectedEof),
        (None, Ok(Err(error))) if error.is_parse() => Err(AcceptErrorKind::Malformed(error)),
        (None, Ok(Err(error))) => Err(AcceptErrorKind::Io(std::io::Error::other(error))),
    };
    (parts.io.into_inner(), parts.read_buf, request)
}

/// Keeps the first request and fails.
#[derive(Default)]
struct Capture(Mutex<Option<Request<()>>>);

impl Service<Request<Incoming>> for Capture {
    type Response = Response<Empty<Bytes>>;
    type Error = Captured;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(request.map(drop));
        ready(Err(Captured))
    }
}

#[derive(Debug)]
struct Captured;

impl fmt::Display for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request is captured")
    }
}

impl std::error::Error for Captured {}
