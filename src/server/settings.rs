//! The deadlines and limits of a server.

use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioTimer;

/// How much may lie unread of each HTTP/2 stream, in bytes. As much for each of them makes the window of the connection,
/// or one socket that nobody reads would stall its neighbours.
#[cfg(feature = "http2")]
const STREAM_WINDOW: u32 = 64 * 1024;

/// The largest window (RFC 9113 §6.9.1).
#[cfg(feature = "http2")]
const MAX_WINDOW: u32 = (1 << 31) - 1;

/// The deadlines and limits of a server.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    #[cfg(feature = "tls")]
    pub(super) tls_handshake_timeout: Duration,
    pub(super) first_request_timeout: Duration,
    pub(super) header_read_timeout: Duration,
    pub(super) write_timeout: Duration,
    pub(super) max_header_size: usize,
    pub(super) max_headers: Option<usize>,
    #[cfg(feature = "http2")]
    pub(super) http2_idle_timeout: Duration,
    #[cfg(feature = "http2")]
    pub(super) http2_max_streams: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            #[cfg(feature = "tls")]
            tls_handshake_timeout: Duration::from_secs(10),
            first_request_timeout: Duration::from_secs(10),
            header_read_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            max_header_size: 32 * 1024,
            max_headers: None,
            #[cfg(feature = "http2")]
            http2_idle_timeout: Duration::from_secs(60),
            #[cfg(feature = "http2")]
            http2_max_streams: 200,
        }
    }
}

impl Settings {
    /// How long there may be no whole head of a first request.
    pub(super) fn first_request(&self) -> Duration {
        self.first_request_timeout.min(self.header_read_timeout)
    }

    pub(super) fn http1(&self) -> http1::Builder {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.header_read_timeout)
            .max_header_size(self.max_header_size);
        // Even hyper's own default costs an allocation for each request when it is set.
        if let Some(max) = self.max_headers {
            http.max_headers(max);
        }
        http
    }

    #[cfg(feature = "http2")]
    pub(super) fn http2<E: Clone>(&self, executor: E) -> hyper::server::conn::http2::Builder<E> {
        let mut http = hyper::server::conn::http2::Builder::new(executor);
        let window = STREAM_WINDOW.saturating_mul(self.http2_max_streams).min(MAX_WINDOW);
        http.timer(TokioTimer::new())
            .enable_connect_protocol()
            .max_concurrent_streams(self.http2_max_streams)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(window)
            .max_header_list_size(u32::try_from(self.max_header_size).unwrap_or(u32::MAX));
        http
    }
}
