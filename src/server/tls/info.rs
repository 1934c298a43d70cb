//! The result of a TLS handshake.

use std::{fmt, sync::Arc};

use tokio_rustls::rustls::{CipherSuite, ProtocolVersion, ServerConnection, pki_types::CertificateDer};

/// The result of a connection's TLS handshake: a request extension that [`serve`](crate::serve())
/// sets on connections with TLS.
///
/// # Examples
///
/// A handshake service that accepts only clients with a certificate:
///
/// ```
/// use http::{Request, Response, StatusCode};
/// use tower_websocket::{Handshake, Rejection, server::TlsInfo};
///
/// async fn handshake(request: Request<Handshake>) -> Result<Response<()>, Rejection> {
///     let tls = request.extensions().get::<TlsInfo>().ok_or(StatusCode::FORBIDDEN)?;
///     println!(
///         "{:?} with {:?}, {:?}, {:?}",
///         tls.server_name(),
///         tls.protocol_version(),
///         tls.cipher_suite(),
///         tls.alpn_protocol().map(String::from_utf8_lossy),
///     );
///     if tls.peer_certificates().is_empty() {
///         return Err((StatusCode::FORBIDDEN, "a client certificate is required\n").into());
///     }
///     Ok(request.into_body().accept(()))
/// }
/// ```
#[derive(Clone)]
pub struct TlsInfo(Arc<Inner>);

struct Inner {
    server_name: Option<Box<str>>,
    alpn_protocol: Option<Box<[u8]>>,
    protocol_version: Option<ProtocolVersion>,
    cipher_suite: Option<CipherSuite>,
    peer_certificates: Vec<CertificateDer<'static>>,
}

impl TlsInfo {
    pub(super) fn new(connection: &ServerConnection) -> Self {
        let chain = connection.peer_certificates().unwrap_or_default();
        Self(Arc::new(Inner {
            server_name: connection.server_name().map(Into::into),
            alpn_protocol: connection.alpn_protocol().map(Into::into),
            protocol_version: connection.protocol_version(),
            cipher_suite: connection.negotiated_cipher_suite().map(|suite| suite.suite()),
            peer_certificates: chain.iter().map(|certificate| certificate.clone().into_owned()).collect(),
        }))
    }

    /// Returns the host name that the client asked for, in lower case (SNI, RFC 6066 §3). A client
    /// that connects to an IP address sends none.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn server_name(&self) -> Option<&str> {
        self.0.server_name.as_deref()
    }

    /// Returns the negotiated application protocol (ALPN, RFC 7301): `h2` or `http/1.1`. `None`
    /// means that none was negotiated, and HTTP/1.1 is used.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn alpn_protocol(&self) -> Option<&[u8]> {
        self.0.alpn_protocol.as_deref()
    }

    /// Returns the negotiated version of TLS.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.0.protocol_version
    }

    /// Returns the negotiated cipher suite.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn cipher_suite(&self) -> Option<CipherSuite> {
        self.0.cipher_suite
    }

    /// Returns the client's certificate chain as verified, beginning with the client's own
    /// certificate.
    ///
    /// It is empty if the client sent none, or if the configuration does not ask for one, which is
    /// the default.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn peer_certificates(&self) -> &[CertificateDer<'static>] {
        &self.0.peer_certificates
    }
}

impl fmt::Debug for TlsInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsInfo")
            .field("server_name", &self.server_name())
            .field("alpn_protocol", &self.alpn_protocol().map(String::from_utf8_lossy))
            .field("protocol_version", &self.protocol_version())
            .field("cipher_suite", &self.cipher_suite())
            .field("peer_certificates", &self.peer_certificates().len())
            .finish()
    }
}
