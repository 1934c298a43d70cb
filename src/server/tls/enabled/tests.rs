use std::sync::Arc;

use tokio_rustls::rustls::server::ResolvesServerCertUsingSni;

use super::{ServerConfig, TlsConfig, ring};

/// Returns the application protocols of the `TlsConfig` that is created from the `given` ones.
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
fn only_supported_protocols_are_offered() {
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
