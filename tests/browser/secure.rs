//! Over TLS: `wss://` from a page over the same protocol, HTTP/1.1 or HTTP/2.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use http::{Request, Response, Version, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use tokio::net::TcpListener;
use tower::{Layer, service_fn};
use tower_websocket::{
    Handshake, Rejection, WebSocketUpgradeLayer,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{PrivateKeyDer, pem::PemObject},
    },
    serve_tls,
    server::TlsConfig,
};

use crate::{browser::run, plain::echo};

/// Returns a configuration with a certificate for 127.0.0.1. The browser is told to trust it.
fn config(alpn: &[&str]) -> TlsConfig {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes()).unwrap();
    let mut config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    config.into()
}

/// Returns the HTTP versions of the requests for the page and for the WebSocket.
async fn versions(alpn: &[&str]) -> Option<(Version, Version)> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let (pages, sockets) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None)));
    let page = {
        let pages = Arc::clone(&pages);
        move |request: Request<Incoming>| {
            if request.uri().path() == "/" {
                *pages.lock().unwrap() = Some(request.version());
            }
            let page = Response::builder().header(CONTENT_TYPE, "text/html");
            let page = page.body(Full::<Bytes>::from("<!doctype html>")).unwrap();
            async { Ok::<_, Infallible>(page) }
        }
    };
    let handshake = {
        let sockets = Arc::clone(&sockets);
        move |request: Request<Handshake>| {
            *sockets.lock().unwrap() = Some(request.version());
            async { Ok::<_, Rejection>(request.into_body().accept(())) }
        }
    };
    let service = WebSocketUpgradeLayer::new(service_fn(handshake), echo).layer(service_fn(page));
    tokio::spawn(serve_tls(listener, config(alpn), service).into_future());
    run("echo.mjs", &[url]).await;
    let versions = (*pages.lock().unwrap(), *sockets.lock().unwrap());
    versions.0.zip(versions.1)
}

#[tokio::test]
async fn chromium_talks_over_tls_and_http_1_1() {
    let versions = versions(&["http/1.1"]).await;
    assert!(versions.is_none_or(|versions| versions == (Version::HTTP_11, Version::HTTP_11)), "{versions:?}");
}

/// The browser opens the WebSocket on the page's connection, with extended CONNECT (RFC 8441).
#[cfg(feature = "http2")]
#[tokio::test]
async fn chromium_talks_over_tls_and_http_2() {
    let versions = versions(&["h2", "http/1.1"]).await;
    assert!(versions.is_none_or(|versions| versions == (Version::HTTP_2, Version::HTTP_2)), "{versions:?}");
}
