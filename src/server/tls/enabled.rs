//! TLS on a listener.

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

/// How much of what a client sends after a failed handshake is read, in bytes, so that it gets to
/// see the alert and not a reset.
const MAX_LEFT_OVER: u64 = 64 * 1024;

/// The TLS configuration of a listener, and the handle to replace it with. Clones are one handle.
///
/// A certificate is renewed without a restart by replacing the configuration: new connections get
/// it, open ones keep theirs.
///
/// ```no_run
/// # async fn run<S: tower_websocket::server::HttpService>(service: S) -> Result<(), Box<dyn std::error::Error>> {
/// use tokio::net::TcpListener;
/// use tower_websocket::{serve_tls, server::TlsConfig};
///
/// let tls = TlsConfig::from_pem_files("chain.pem", "key.pem")?;
/// tokio::spawn({
///     let tls = tls.clone();
///     async move {
///         let mut hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?;
///         while hangup.recv().await.is_some() {
///             match TlsConfig::from_pem_files("chain.pem", "key.pem") {
///                 Ok(renewed) => tls.replace(renewed),
///                 Err(error) => eprintln!("the old certificate stays: {error}"),
///             }
///         }
///         Ok::<_, std::io::Error>(())
///     }
/// });
/// serve_tls(TcpListener::bind("0.0.0.0:443").await?, tls, service).await?;
/// # Ok(())
/// # }
/// ```
///
/// Anything else that rustls can do, such as client certificates, several certificates, or another
/// crypto provider than ring, comes with a [`ServerConfig`] of one's own.
///
/// Application protocols (ALPN) that are not in the configuration are filled in: `h2`, with the
/// feature `http2`, and `http/1.1`. A configuration that names any is left as it is, but for an
/// `h2` that cannot be spoken without that feature.
#[derive(Clone)]
#[must_use = "TLS does nothing unless a server has it"]
pub struct TlsConfig(Arc<RwLock<Arc<ServerConfig>>>);

impl TlsConfig {
    /// Creates TLS from a configuration.
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

    /// Creates TLS 1.2 and 1.3 from PEM files with the certificate chain, the server's own
    /// certificate first, and the private key; without client certificates. The files are read
    /// before this returns.
    ///
    /// The crypto provider is that of the process, if one is
    /// [installed](CryptoProvider::install_default), else ring.
    ///
    /// # Errors
    ///
    /// Returns a [`TlsError`] if a file cannot be read or parsed, or if key and certificate do not
    /// match.
    pub fn from_pem_files(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Self, TlsError> {
        let read = |path: &Path| fs::read(path).map_err(|error| TlsError(Kind::Read(path.into(), error)));
        Self::from_pem(&read(chain.as_ref())?, &read(key.as_ref())?)
    }

    /// Creates TLS as [`from_pem_files`](Self::from_pem_files) does, from the content of such
    /// files.
    ///
    /// # Errors
    ///
    /// Returns a [`TlsError`] if this cannot be parsed, or if key and certificate do not match.
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

    /// Replaces the configuration for new connections by that of `other`. Open connections, and
    /// those in the middle of their TLS handshake, keep theirs. Sessions of the old configuration
    /// are not resumed.
    pub fn replace(&self, other: impl Into<Self>) {
        let config = other.into().server_config();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = config;
    }

    /// Returns the configuration for the next connection.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Does the handshake of one connection. A client that cannot do it is told so with an alert.
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

/// Why there is no [`TlsConfig`].
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
mod tests {
    use std::sync::Arc;

    use tokio_rustls::rustls::server::ResolvesServerCertUsingSni;

    use super::{ServerConfig, TlsConfig, ring};

    /// What becomes of a configuration with these application protocols.
    fn protocols(given: &[&str]) -> Vec<String> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(ResolvesServerCertUsingSni::new()));
        config.alpn_protocols = given.iter().map(|name| name.as_bytes().to_vec()).collect();
        let config = TlsConfig::new(config).server_config();
        config.alpn_protocols.iter().map(|name| String::from_utf8(name.clone()).unwrap()).collect()
    }

    #[test]
    fn only_what_can_be_spoken_is_offered() {
        for (given, with_http2, without) in [
            (&[][..], &["h2", "http/1.1"][..], &["http/1.1"][..]),
            (&["http/1.1"], &["http/1.1"], &["http/1.1"]),
            (&["http/1.1", "h2"], &["http/1.1", "h2"], &["http/1.1"]),
            (&["h2"], &["h2"], &[]),
            (&["other"], &["other"], &["other"]),
        ] {
            let expected = if cfg!(feature = "http2") { with_http2 } else { without };
            assert_eq!(protocols(given), expected, "{given:?}");
        }
    }
}
