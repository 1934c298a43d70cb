//! The state that all clients share.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Mutex, watch};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer},
};

use super::connect::Shared;

/// The server's ports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ports {
    pub(crate) plain: SocketAddr,
    pub(crate) secure: SocketAddr,
    /// The port that is drained now and then.
    pub(crate) drained: SocketAddr,
}

/// The state that all clients share.
pub(crate) struct World {
    pub(crate) ports: Ports,
    pub(crate) http1: TlsConnector,
    pub(crate) http2: TlsConnector,
    /// HTTP/2 connections that may carry more sockets: one without TLS, one with TLS.
    pub(crate) shared: [Mutex<Option<Shared>>; 2],
    pub(crate) seed: u64,
    pub(crate) think: Duration,
    pub(crate) keepalive: Duration,
    /// Whether all clients are to finish.
    pub(crate) stop: watch::Receiver<bool>,
    pub(crate) counts: Counts,
}

/// The counts so far.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) open: AtomicUsize,
    pub(crate) lives: AtomicU64,
    pub(crate) up: AtomicU64,
    pub(crate) down: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

impl Counts {
    pub(crate) fn add(to: &AtomicU64, more: u64) {
        to.fetch_add(more, Ordering::Relaxed);
    }
}

impl World {
    pub(crate) fn new(
        [plain, secure, drained]: [u16; 3],
        certificate: Vec<u8>,
        seed: u64,
        think: Duration,
        keepalive: Duration,
        stop: watch::Receiver<bool>,
    ) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(certificate)).map_err(|error| error.to_string())?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let speaking = |protocol: &[u8]| {
            let mut config = config.clone();
            config.alpn_protocols = vec![protocol.to_vec()];
            TlsConnector::from(Arc::new(config))
        };
        let addr = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Ok(Self {
            ports: Ports { plain: addr(plain), secure: addr(secure), drained: addr(drained) },
            http1: speaking(b"http/1.1"),
            http2: speaking(b"h2"),
            shared: Default::default(),
            seed,
            think,
            keepalive,
            stop,
            counts: Counts::default(),
        })
    }
}
