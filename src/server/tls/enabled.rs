//! The TLS configuration of a listener.

use std::{
    error::Error,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
        crypto::{CryptoProvider, ring},
        pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    },
    server::TlsStream,
};

use super::info::TlsInfo;
use crate::trace::tls_failed;

/// How many bytes that a client sends after a failed handshake are read. Without this, the client
/// would see a connection reset instead of the alert.
const MAX_LEFT_OVER: u64 = 64 * 1024;

/// The TLS configuration of a listener, which can be replaced while the server runs.
///
/// All clones share one configuration. To renew a certificate without a restart,
/// [replace](Self::replace) the configuration: new connections use the new one, open connections
/// keep theirs.
///
/// For other features of rustls, such as client certificates, several certificates, or a crypto
/// provider other than ring, create the TLS configuration from a [`ServerConfig`].
///
/// If the `ServerConfig` names no application protocols (ALPN), `http/1.1` is added and, with the
/// feature `http2`, `h2` before it. Otherwise its list is kept, except that `h2` is removed if the
/// feature `http2` is not enabled.
///
/// # Examples
///
/// ```no_run
/// use tokio::{
///     net::TcpListener,
///     signal::unix::{SignalKind, signal},
/// };
/// use tower_websocket::{WebSocketUpgradeLayer, serve_tls, server::TlsConfig};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let tls = TlsConfig::from_pem_files("chain.pem", "key.pem")?;
/// let mut hangup = signal(SignalKind::hangup())?;
/// let handle = tls.clone();
/// tokio::spawn(async move {
///     while hangup.recv().await.is_some() {
///         match TlsConfig::from_pem_files("chain.pem", "key.pem") {
///             Ok(renewed) => handle.replace(renewed),
///             Err(error) => eprintln!("keeping the old certificate: {error}"),
///         }
///     }
/// });
/// let service = WebSocketUpgradeLayer::accept_all(async |_| ()).into_service();
/// serve_tls(TcpListener::bind("0.0.0.0:443").await?, tls, service).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "TLS does nothing unless a server has it"]
pub struct TlsConfig(Arc<RwLock<Arc<ServerConfig>>>);

impl TlsConfig {
    /// Creates a TLS configuration from rustls's.
    ///
    /// # Examples
    ///
    /// Clients have to present a certificate that `authority` has issued:
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tower_websocket::{
    ///     rustls::{
    ///         RootCertStore, ServerConfig,
    ///         pki_types::{CertificateDer, PrivateKeyDer},
    ///         server::WebPkiClientVerifier,
    ///     },
    ///     server::TlsConfig,
    /// };
    ///
    /// fn with_client_certificates(
    ///     chain: Vec<CertificateDer<'static>>,
    ///     key: PrivateKeyDer<'static>,
    ///     authority: CertificateDer<'static>,
    /// ) -> Result<TlsConfig, Box<dyn std::error::Error>> {
    ///     let mut roots = RootCertStore::empty();
    ///     roots.add(authority)?;
    ///     let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build()?;
    ///     let config = ServerConfig::builder()
    ///         .with_client_cert_verifier(verifier)
    ///         .with_single_cert(chain, key)?;
    ///     Ok(TlsConfig::new(config))
    /// }
    /// ```
    pub fn new(config: impl Into<Arc<ServerConfig>>) -> Self {
        let mut config = config.into();
        let protocols = &config.alpn_protocols;
        if protocols.is_empty() {
            let protocols = PROTOCOLS.iter().map(|protocol| protocol.to_vec()).collect();
            Arc::make_mut(&mut config).alpn_protocols = protocols;
        } else if cfg!(not(feature = "http2")) && protocols.iter().any(|protocol| protocol == b"h2") {
            Arc::make_mut(&mut config).alpn_protocols.retain(|protocol| protocol != b"h2");
        }
        Self(Arc::new(RwLock::new(config)))
    }

    /// Creates a configuration for TLS 1.2 and 1.3 from two PEM files: the certificate chain,
    /// beginning with the server's own certificate, and the private key.
    ///
    /// Clients are not asked for certificates. The files are read before this function returns. The
    /// crypto provider is the process's [default](CryptoProvider::install_default) if one is
    /// installed, otherwise ring.
    ///
    /// See the [example](Self#examples) of the type.
    ///
    /// # Errors
    ///
    /// Returns a [`TlsError`] if a file cannot be read or parsed, or if key and certificate do not
    /// match.
    pub fn from_pem_files(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self, TlsError> {
        let read = |path: &Path| fs::read(path).map_err(|error| TlsError(Kind::Read(path.into(), error)));
        Self::from_pem(&read(chain.as_ref())?, &read(key.as_ref())?)
    }

    /// Creates a configuration from the content of two PEM files, as
    /// [`from_pem_files`](Self::from_pem_files) does.
    ///
    /// # Errors
    ///
    /// Returns a [`TlsError`] if the content cannot be parsed, or if key and certificate do not
    /// match.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::server::{TlsConfig, TlsError};
    ///
    /// fn from_environment() -> Result<TlsConfig, TlsError> {
    ///     let read = |name| std::env::var(name).unwrap_or_default();
    ///     TlsConfig::from_pem(read("TLS_CHAIN").as_bytes(), read("TLS_KEY").as_bytes())
    /// }
    /// # assert!(from_environment().is_err());
    /// ```
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|error| TlsError(Kind::Chain(error)))?;
        if chain.is_empty() {
            return Err(TlsError(Kind::Chain(pem::Error::NoItemsFound)));
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| TlsError(Kind::Key(error)))?;
        let provider = CryptoProvider::get_default().cloned();
        let provider = provider.unwrap_or_else(|| Arc::new(ring::default_provider()));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|error| TlsError(Kind::Config(error)))?;
        Ok(Self::new(config))
    }

    /// Replaces the configuration with that of `other`, for new connections.
    ///
    /// Open connections, and connections in their TLS handshake, keep the old one. Sessions of the
    /// old configuration are not resumed.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn replace(&self, other: impl Into<Self>) {
        let config = other.into().server_config();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = config;
    }

    /// Returns the configuration that the next connection will use.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::server::TlsConfig;
    ///
    /// fn log_protocols(tls: &TlsConfig) {
    ///     for protocol in &tls.server_config().alpn_protocols {
    ///         println!("{}", protocol.escape_ascii());
    ///     }
    /// }
    /// ```
    pub fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Performs the handshake of one connection. If it fails, sends the client an alert.
    pub(in crate::server) async fn accept<IO>(&self, io: IO) -> Option<(TlsStream<IO>, TlsInfo)>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        match TlsAcceptor::from(self.server_config()).accept(io).into_fallible().await {
            Ok(io) => {
                let info = TlsInfo::new(io.get_ref().1);
                Some((io, info))
            }
            Err((error, mut io)) => {
                tls_failed(&error);
                let _ = io.shutdown().await;
                let _ = tokio::io::copy(&mut io.take(MAX_LEFT_OVER), &mut tokio::io::sink()).await;
                None
            }
        }
    }
}

const PROTOCOLS: &[&[u8]] = &[
    #[cfg(feature = "http2")]
    b"h2",
    b"http/1.1",
];

impl From<ServerConfig> for TlsConfig {
    fn from(config: ServerConfig) -> Self {
        Self::new(config)
    }
}

impl From<Arc<ServerConfig>> for TlsConfig {
    fn from(config: Arc<ServerConfig>) -> Self {
        Self::new(config)
    }
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig").finish_non_exhaustive()
    }
}

/// The error returned when a [`TlsConfig`] cannot be created from PEM files or their content.
///
/// # Examples
///
/// ```
/// use std::error::Error;
/// use tower_websocket::server::TlsConfig;
///
/// let error = TlsConfig::from_pem_files("missing.pem", "missing.pem").unwrap_err();
/// assert_eq!(error.to_string(), "missing.pem cannot be read");
/// assert!(error.source().is_some());
/// ```
#[derive(Debug)]
pub struct TlsError(Kind);

#[derive(Debug)]
enum Kind {
    Read(PathBuf, io::Error),
    Chain(pem::Error),
    Key(pem::Error),
    Config(rustls::Error),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Read(path, _) => write!(f, "{} cannot be read", path.display()),
            Kind::Chain(_) => f.write_str("there is no certificate chain in the PEM"),
            Kind::Key(_) => f.write_str("there is no private key in the PEM"),
            Kind::Config(_) => f.write_str("the certificate chain and the private key cannot be used"),
        }
    }
}

impl Error for TlsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(match &self.0 {
            Kind::Read(_, error) => error,
            Kind::Chain(error) | Kind::Key(error) => error,
            Kind::Config(error) => error,
        })
    }
}

#[cfg(test)]
mod tests;
