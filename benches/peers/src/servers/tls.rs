//! TLS for all servers.

use std::{io, sync::Arc};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio_rustls::rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
    version::TLS13,
};

/// Returns the configuration of every server, and its certificate: TLS 1.3 of rustls with ring, and
/// a self-signed certificate for an ECDSA key on the curve P-256. Everything else is rustls's
/// default.
pub(super) fn server_config() -> io::Result<(Arc<ServerConfig>, CertificateDer<'static>)> {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).map_err(io::Error::other)?;
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).map_err(io::Error::other)?;
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])
        .and_then(|config| config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key))
        .map_err(io::Error::other)?;
    Ok((Arc::new(config), cert.der().clone()))
}
