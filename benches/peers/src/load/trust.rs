//! The client's side of TLS.

use std::{io, sync::Arc};

use tokio_rustls::rustls::{
    ClientConfig, RootCertStore, client::Resumption, crypto::ring, pki_types::CertificateDer, version::TLS13,
};

/// Returns a configuration that trusts this certificate alone and resumes no sessions, so every
/// handshake is a full one.
pub(crate) fn trust(certificate: Vec<u8>) -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(certificate)).map_err(io::Error::other)?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .map_err(io::Error::other)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}
