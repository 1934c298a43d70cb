//! No TLS.

use std::convert::Infallible;

/// The TLS configuration of a listener, which has none.
#[derive(Clone, Debug)]
pub(in crate::server) struct TlsConfig(Infallible);

impl TlsConfig {
    pub(in crate::server) async fn accept<IO>(&self, _: IO) -> Option<(IO, TlsInfo)> {
        match self.0 {}
    }
}

/// The result of a TLS handshake, which there is never.
#[derive(Clone, Debug)]
pub(in crate::server) struct TlsInfo(Infallible);

impl TlsInfo {
    #[cfg(feature = "http2")]
    pub(in crate::server) fn alpn_protocol(&self) -> Option<&[u8]> {
        match self.0 {}
    }
}
