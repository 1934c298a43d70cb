//! The timeouts and limits of a server.

use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioTimer;

use super::http2::Http2Settings;

/// The timeouts and limits of a server.
#[derive(Clone, Debug)]
pub(super) struct ServerSettings {
    pub(super) tls_handshake_timeout: Duration,
    pub(super) first_request_timeout: Duration,
    pub(super) header_read_timeout: Duration,
    pub(super) write_timeout: Duration,
    pub(super) max_header_size: usize,
    pub(super) max_headers: Option<usize>,
    pub(super) http2: Http2Settings,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            tls_handshake_timeout: Duration::from_secs(10),
            first_request_timeout: Duration::from_secs(10),
            header_read_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(30),
            max_header_size: 32 * 1024,
            max_headers: None,
            http2: Http2Settings::default(),
        }
    }
}

/// The default size of hyper's buffer, in bytes.
const MAX_BUFFER: usize = 400 * 1024;

impl ServerSettings {
    /// Returns how long it may take until the first request's complete head has arrived.
    pub(super) fn first_request(&self) -> Duration {
        self.first_request_timeout.min(self.header_read_timeout)
    }

    pub(super) fn http1(&self) -> http1::Builder {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.header_read_timeout)
            .max_header_size(self.max_header_size);
        // hyper's buffer limits a head as well.
        if self.max_header_size > MAX_BUFFER {
            http.max_buf_size(self.max_header_size);
        }
        // Setting it costs an allocation for each request, even with hyper's default value.
        if let Some(max) = self.max_headers {
            http.max_headers(max);
        }
        http
    }
}
