//! Header names spelled as in RFC 6455 when hyper writes them: `Sec-WebSocket-Accept`.

use std::{cell::Cell, convert::Infallible, sync::OnceLock};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{Extensions, Request, Response};
use http_body_util::Empty;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;

/// Returns the extensions that make hyper spell the header names of an accepting HTTP/1.1 response
/// in this way.
///
/// For proxies, hyper stores the spelling of a request's names in the request's extensions, and
/// uses the spelling in a response's extensions. The type is private to hyper, so the extensions
/// are taken from a request that hyper has parsed.
pub(super) fn extensions() -> &'static Extensions {
    static EXTENSIONS: OnceLock<Extensions> = OnceLock::new();
    EXTENSIONS.get_or_init(|| read().expect("hyper reads a whole request at once"))
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\n\
    Connection: close\r\n\
    Date: \r\n\
    Upgrade: \r\n\
    Sec-WebSocket-Accept: \r\n\
    Sec-WebSocket-Extensions: \r\n\
    Sec-WebSocket-Protocol: \r\n\
    Sec-WebSocket-Version: \r\n\r\n";

fn read() -> Option<Extensions> {
    let extensions = Cell::new(None);
    let service = service_fn(|request: Request<Incoming>| {
        extensions.set(Some(request.extensions().clone()));
        async { Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())) }
    });
    let io = TokioIo::new(tokio::io::join(REQUEST, Vec::new()));
    let mut builder = http1::Builder::new();
    builder.preserve_header_case(true);
    let _ = builder.serve_connection(io, service).now_or_never();
    extensions.take()
}
