//! The server without TLS.

use std::convert::Infallible;

/// Stands for the TLS configuration of a listener. Without the feature, none exists.
#[derive(Clone, Debug)]
pub(in crate::server) struct TlsConfig(Infallible);

impl TlsConfig {
    pub(in crate::server) async fn accept<IO>(&self, _: IO) -> Option<(IO, TlsInfo)> {
        match self.0 {}
    }
}

/// Stands for the result of a TLS handshake. Without the feature, none exists.
#[derive(Clone, Debug)]
pub(in crate::server) struct TlsInfo(Infallible);

impl TlsInfo {
    #[cfg(feature = "http2")]
    pub(in crate::server) fn alpn_protocol(&self) -> Option<&[u8]> {
        match self.0 {}
    }
}
