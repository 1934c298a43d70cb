//! Clients.

use std::{future::Future, io, sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use http::{Method, Request, StatusCode, Version};
use http_body_util::Empty;
use hyper::{body::Bytes, client::conn::http2, ext::Protocol};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::{WebSocketStream, client_async};
use tower_websocket::{
    Message,
    rustls::{
        ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion,
        crypto::{CryptoProvider, ring},
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
        server::WebPkiClientVerifier,
    },
    server::TlsConfig,
    tungstenite::protocol::Role,
};

/// Awaits `future`, which must not hang.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(1000), future).await.expect("it hangs")
}

/// A certificate authority.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn issue(&self, purpose: ExtendedKeyUsagePurpose) -> (String, String) {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    /// Returns a server's certificate and key for `localhost`, as PEM.
    pub(crate) fn server_pem(&self) -> (String, String) {
        self.issue(ExtendedKeyUsagePurpose::ServerAuth)
    }

    pub(crate) fn tls(&self) -> TlsConfig {
        let (chain, key) = self.server_pem();
        TlsConfig::from_pem(chain.as_bytes(), key.as_bytes()).unwrap()
    }

    /// Returns a configuration that requires a certificate of this authority from each client.
    pub(crate) fn tls_for_known_clients(&self) -> ServerConfig {
        let (chain, key) = parse(&self.server_pem());
        let verifier = WebPkiClientVerifier::builder_with_provider(self.roots().into(), provider()).build();
        ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.unwrap())
            .with_single_cert(vec![chain], key)
            .unwrap()
    }

    /// Returns a client that trusts this authority, offers these application protocols, and has a
    /// certificate if it is `known`.
    pub(crate) fn client(&self, alpn: &[&str], known: bool) -> TlsConnector {
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots());
        let mut config = if known {
            let (chain, key) = parse(&self.issue(ExtendedKeyUsagePurpose::ClientAuth));
            config.with_client_auth_cert(vec![chain], key).unwrap()
        } else {
            config.with_no_client_auth()
        };
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Arc::new(config).into()
    }

    /// Returns a client of these TLS versions, which does not send a server name.
    pub(crate) fn client_without_sni(&self, versions: &[&'static SupportedProtocolVersion]) -> TlsConnector {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(self.roots())
            .with_no_client_auth();
        config.enable_sni = false;
        Arc::new(config).into()
    }

    /// Returns the certificate that a client needs to trust this authority, as PEM.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }
}

fn parse((chain, key): &(String, String)) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    (
        CertificateDer::from_pem_slice(chain.as_bytes()).unwrap(),
        PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
    )
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Returns a client for another process, which trusts the authority with this PEM.
pub(crate) fn trusting(pem: &str) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config).into()
}

/// Does a TLS handshake with `localhost`.
pub(crate) async fn tls<IO>(connector: &TlsConnector, io: IO) -> io::Result<TlsStream<IO>>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    soon(connector.connect(ServerName::try_from("localhost").unwrap(), io)).await
}

/// Opens a WebSocket over HTTP/1.1.
pub(crate) async fn websocket<IO>(io: IO) -> WebSocketStream<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let (socket, response) = soon(client_async("ws://localhost/", io)).await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    socket
}

pub(crate) type Http2Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

/// An HTTP/2 connection.
#[derive(Clone)]
pub(crate) struct Http2(pub(crate) http2::SendRequest<Empty<Bytes>>);

impl Http2 {
    pub(crate) async fn new<IO>(io: IO) -> Self
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Self::with_end(io).await.0
    }

    /// Returns the connection, and a task that returns how it ended.
    pub(crate) async fn with_end<IO>(io: IO) -> (Self, tokio::task::JoinHandle<hyper::Result<()>>)
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let http = http2::Builder::new(TokioExecutor::new());
        let (requests, connection) = soon(http.handshake(TokioIo::new(io))).await.unwrap();
        let end = tokio::spawn(connection);
        let mut http = Self(requests);
        // The server's settings arrive before its response. They enable WebSockets.
        assert_eq!(http.get("/").await.unwrap(), StatusCode::OK);
        (http, end)
    }

    pub(crate) async fn get(&mut self, path: &str) -> hyper::Result<StatusCode> {
        soon(self.0.ready()).await?;
        let uri = format!("http://localhost{path}");
        let request = Request::get(uri).version(Version::HTTP_2).body(Empty::new()).unwrap();
        Ok(soon(self.0.send_request(request)).await?.status())
    }

    /// Opens a WebSocket on this connection (RFC 8441).
    pub(crate) async fn websocket(&mut self) -> Http2Socket {
        soon(self.0.ready()).await.unwrap();
        let mut request = Request::new(Empty::new());
        *request.method_mut() = Method::CONNECT;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = "http://localhost/".parse().unwrap();
        request.headers_mut().insert("sec-websocket-version", 13.into());
        request.extensions_mut().insert(Protocol::from_static("websocket"));
        let response = soon(self.0.send_request(request)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let io = TokioIo::new(soon(hyper::upgrade::on(response)).await.unwrap());
        WebSocketStream::from_raw_socket(io, Role::Client, None).await
    }
}

/// Sends `text` and receives its echo.
pub(crate) async fn echo<IO: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<IO>, text: &str) {
    soon(socket.send(Message::text(text))).await.unwrap();
    assert_eq!(receive(socket).await, text);
}

/// Returns the next message, which must be text.
pub(crate) async fn receive<IO: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<IO>) -> String {
    let message = soon(socket.next()).await.expect("the socket ended").unwrap();
    assert!(message.is_text(), "{message:?}");
    message.to_text().unwrap().to_owned()
}

/// Receives a Close, answers it, and receives the end of the stream, without an error.
pub(crate) async fn receive_close<IO: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut WebSocketStream<IO>,
) -> u16 {
    let Some(Ok(Message::Close(Some(frame)))) = soon(socket.next()).await else { panic!("no Close") };
    // tungstenite answers while it continues to read, and then expects the end of the stream.
    assert!(soon(socket.next()).await.is_none());
    // This is the end of the stream itself. A reset would be an error here.
    assert_eq!(soon(socket.get_mut().read(&mut [0])).await.unwrap(), 0);
    frame.code.into()
}

/// Sends a request over HTTP/1.1. Returns all bytes until the end of the stream.
pub(crate) async fn exchange<IO: AsyncRead + AsyncWrite + Unpin>(io: &mut IO, bytes: &[u8]) -> Vec<u8> {
    io.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    soon(io.read_to_end(&mut answer)).await.unwrap();
    answer
}
