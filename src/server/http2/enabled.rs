//! HTTP/2 connections (RFC 9113).

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use hyper::server::conn::http2::{Builder, Connection};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{preface, streams::Streams};
use crate::server::{
    HttpService,
    drive::HttpConnection,
    idle::{Activity, IdlePolicy},
    requests::Requests,
    tls::TlsInfo,
};

/// How many bytes of each stream may be unread. The connection's window is this size times the
/// number of streams, so that a socket that is not read cannot block the others.
const STREAM_WINDOW: u32 = 64 * 1024;

/// How many bytes of each stream `h2` buffers until they are written, and one frame more. They
/// occupy the connection's window. hyper's default would allow the first streams to occupy all of
/// it, so that the other sockets of a slow connection look dead.
const SEND_BUFFER: usize = 16 * 1024;

/// The largest window (RFC 9113 §6.9.1).
const MAX_WINDOW: u32 = (1 << 31) - 1;

/// Proves that a client uses HTTP/2.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Http2(());

impl Http2 {
    /// Reads from a connection without TLS until it is clear whether the client uses HTTP/2.
    /// Returns the result and the bytes that were read.
    pub(in crate::server) async fn detect<IO>(io: &mut IO) -> io::Result<(Option<Self>, Bytes)>
    where
        IO: AsyncRead + Unpin,
    {
        let (is_http2, unread) = preface::read(io).await?;
        Ok((is_http2.then_some(Self(())), unread))
    }

    /// Returns `Some` if the client selected HTTP/2 in its TLS handshake (RFC 9113 §3.2).
    pub(in crate::server) fn agreed(tls: &TlsInfo) -> Option<Self> {
        (tls.alpn_protocol() == Some(b"h2")).then_some(Self(()))
    }
}

/// The limits of HTTP/2 connections.
#[derive(Clone, Debug)]
pub(in crate::server) struct Http2Settings {
    pub(in crate::server) idle_timeout: Duration,
    pub(in crate::server) max_streams: u32,
}

impl Default for Http2Settings {
    fn default() -> Self {
        Self { idle_timeout: Duration::from_secs(60), max_streams: 200 }
    }
}

impl Http2Settings {
    pub(in crate::server) fn idle_policy(&self) -> IdlePolicy {
        IdlePolicy::Http2(self.idle_timeout)
    }

    pub(in crate::server) fn connection<IO, S, A>(
        &self,
        _: Http2,
        max_header_size: usize,
        activity: &Arc<Activity>,
        io: TokioIo<IO>,
        requests: Requests<S, A>,
    ) -> Connection<TokioIo<IO>, Requests<S, A>, Streams>
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        S: HttpService,
        A: Clone + Send + Sync + 'static,
    {
        let window = STREAM_WINDOW.saturating_mul(self.max_streams).min(MAX_WINDOW);
        Builder::new(Streams(Arc::clone(activity)))
            .timer(TokioTimer::new())
            .enable_connect_protocol()
            .max_concurrent_streams(self.max_streams)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(window)
            .max_send_buf_size(SEND_BUFFER)
            .max_header_list_size(u32::try_from(max_header_size).unwrap_or(u32::MAX))
            .serve_connection(io, requests)
    }
}

impl<IO, S, E> HttpConnection for Connection<IO, S, E>
where
    Self: Future,
    S: hyper::service::HttpService<hyper::body::Incoming, Error: Into<tower::BoxError>>,
    S::ResBody: http_body::Body<Error: Into<tower::BoxError>> + 'static,
    IO: hyper::rt::Read + hyper::rt::Write + Unpin,
    E: hyper::rt::bounds::Http2ServerConnExec<S::Future, S::ResBody>,
{
    fn graceful_shutdown(self: std::pin::Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}
