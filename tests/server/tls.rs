//! TLS on a listener.

use std::{error::Error, future::IntoFuture, io, sync::Arc};

use futures_util::StreamExt;
use raw_client::opening::open;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tower_websocket::{
    Message, rustls, serve, serve_tls,
    server::{HttpService, Serve, TlsConfig},
};

use crate::{
    client::{Authority, echo, exchange, receive, soon, tls, websocket},
    memory::{Connector, Pipes, listener},
    service::{service, telling},
};

/// Starts a server in memory, configured by `set`, with TLS.
pub(crate) fn start_tls<S: HttpService>(
    tls: impl Into<TlsConfig>,
    service: S,
    set: impl FnOnce(Serve<Pipes, S>) -> Serve<Pipes, S>,
) -> (Connector, JoinHandle<io::Result<()>>) {
    let (connector, pipes) = listener();
    let server = set(serve_tls(pipes, tls, service));
    (connector, tokio::spawn(server.into_future()))
}

#[tokio::test]
async fn client_certificate_reaches_the_handshake_service() {
    let authority = Authority::new();
    let (connector, _server) = start_tls(authority.tls_for_known_clients(), telling(), |server| server);
    let mut socket = websocket(tls(&authority.client(&[], true), connector.connect()).await.unwrap()).await;
    let facts = receive(&mut socket).await;
    assert!(facts.ends_with("certificates=1"), "{facts}");
    // With TLS 1.3, a client is rejected after it has finished its handshake.
    let mut stranger = tls(&authority.client(&[], false), connector.connect()).await.unwrap();
    let error = soon(stranger.read(&mut [0])).await.unwrap_err();
    assert!(error.to_string().contains("CertificateRequired"), "{error}");
}

/// Anyone on the path to the client can forge a page without TLS.
#[tokio::test]
async fn page_without_tls_has_another_origin() {
    let authority = Authority::new();
    let (connector, _server) = start_tls(authority.tls(), service(), |server| server);
    for (origin, is_accepted) in [("https://localhost", true), ("http://localhost", false)] {
        let mut client = tls(&authority.client(&[], false), connector.connect()).await.unwrap();
        let opened = soon(open(&mut client, "/", &format!("Origin: {origin}\r\n"))).await;
        assert_eq!(opened.is_ok(), is_accepted, "{origin}: {opened:?}");
    }
}

#[tokio::test]
async fn tls_1_2_without_a_server_name_is_accepted() {
    let authority = Authority::new();
    let (connector, _server) = start_tls(authority.tls(), telling(), |server| server);
    for (versions, expected) in
        [(&[&rustls::version::TLS12], "tls=Some(TLSv1_2)"), (&[&rustls::version::TLS13], "tls=Some(TLSv1_3)")]
    {
        let client = authority.client_without_sni(versions);
        let mut socket = websocket(tls(&client, connector.connect()).await.unwrap()).await;
        let facts = receive(&mut socket).await;
        assert!(facts.contains(expected) && facts.contains("sni=None"), "{facts}");
        echo(&mut socket, "hello").await;
    }
}

#[tokio::test]
async fn client_without_a_common_protocol_gets_an_alert() {
    let authority = Authority::new();
    let (connector, _server) = start_tls(authority.tls(), service(), |server| server);
    let error = tls(&authority.client(&["other"], false), connector.connect()).await.unwrap_err();
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
}

#[tokio::test]
async fn replaced_certificate_applies_to_new_connections() {
    let (old, new) = (Authority::new(), Authority::new());
    let handle = old.tls();
    let (connector, _server) = start_tls(handle.clone(), service(), |server| server);
    let mut before = websocket(tls(&old.client(&[], false), connector.connect()).await.unwrap()).await;
    assert!(tls(&new.client(&[], false), connector.connect()).await.is_err());

    handle.replace(new.tls());
    let mut after = websocket(tls(&new.client(&[], false), connector.connect()).await.unwrap()).await;
    assert!(tls(&old.client(&[], false), connector.connect()).await.is_err());
    echo(&mut before, "with the old certificate").await;
    echo(&mut after, "with the new certificate").await;
}

#[test]
fn missing_application_protocols_are_filled_in() {
    let authority = Authority::new();
    let protocols = |tls: &TlsConfig| {
        let config = tls.server_config();
        config.alpn_protocols.iter().map(|name| String::from_utf8(name.clone()).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(protocols(&authority.tls()), ["h2", "http/1.1"]);
    let mut config = authority.tls_for_known_clients();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    assert_eq!(protocols(&config.clone().into()), ["http/1.1"]);
    assert_eq!(protocols(&Arc::new(config).into()), ["http/1.1"]);
}

#[test]
fn pem_errors_name_the_cause() {
    let authority = Authority::new();
    let (chain, key) = authority.server_pem();
    let (_, other_key) = authority.server_pem();
    let told = |chain: &str, key: &str| {
        let error = TlsConfig::from_pem(chain.as_bytes(), key.as_bytes()).unwrap_err();
        assert!(error.source().is_some());
        error.to_string()
    };
    assert_eq!(told("", &key), "there is no certificate chain in the PEM");
    assert_eq!(told(&key, &key), "there is no certificate chain in the PEM");
    assert_eq!(told(&chain, &chain), "there is no private key in the PEM");
    assert_eq!(told(&chain, &other_key), "the certificate chain and the private key cannot be used");
    let error = TlsConfig::from_pem_files("/nowhere/chain.pem", "/nowhere/key.pem").unwrap_err();
    assert_eq!(error.to_string(), "/nowhere/chain.pem cannot be read");
}

/// Row 12.
#[tokio::test]
async fn certificate_is_loaded_from_pem_files() {
    let authority = Authority::new();
    let (chain, key) = authority.server_pem();
    let folder = std::env::temp_dir().join(format!("tower-websocket-tls-{}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("chain.pem"), chain).unwrap();
    std::fs::write(folder.join("key.pem"), key).unwrap();
    let from_files = TlsConfig::from_pem_files(folder.join("chain.pem"), folder.join("key.pem"));
    std::fs::remove_dir_all(&folder).unwrap();
    let (connector, _server) = start_tls(from_files.unwrap(), service(), |server| server);
    let io = tls(&authority.client(&[], false), connector.connect()).await.unwrap();
    echo(&mut websocket(io).await, "hello").await;
}

/// Row 29: a plain client on a TLS port gets an alert, then the end of the stream and no reset,
/// even if it has sent more.
#[tokio::test]
async fn plain_client_on_a_tls_port_gets_an_alert_and_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let authority = Authority::new();
    tokio::spawn(serve_tls(listener, authority.tls(), service()).into_future());
    let request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for bytes in [&request[..], &raw_client::http2_frames::hello(), &[b'x'; 40_000]] {
        let mut io = TcpStream::connect(addr).await.unwrap();
        let answer = exchange(&mut io, bytes).await;
        // A record of kind 21, an alert, of level 2, fatal.
        assert_eq!((answer.len(), answer[0], answer[5]), (7, 21, 2), "{answer:?}");
    }
    let error = soon(tokio_tungstenite::connect_async(format!("ws://{addr}/"))).await.unwrap_err();
    assert!(!error.to_string().is_empty());
    let io = tls(&authority.client(&[], false), TcpStream::connect(addr).await.unwrap()).await.unwrap();
    echo(&mut websocket(io).await, "the server continues").await;
}

/// Row 29, the other way.
#[tokio::test]
async fn tls_client_on_a_plain_port_gets_a_plain_response_and_the_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, service()).into_future());
    let authority = Authority::new();
    for alpn in [&["http/1.1"][..], &["h2"]] {
        let io = TcpStream::connect(addr).await.unwrap();
        let error = tls(&authority.client(alpn, false), io).await.unwrap_err();
        let error = error.get_ref().and_then(|error| error.downcast_ref()).unwrap();
        assert!(matches!(error, rustls::Error::InvalidMessage(_)), "{error:?}");
    }
    let hello = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03";
    let answer = exchange(&mut TcpStream::connect(addr).await.unwrap(), hello).await;
    assert!(answer.starts_with(b"HTTP/1.1 400 "), "{answer:?}");
    let mut socket = websocket(TcpStream::connect(addr).await.unwrap()).await;
    echo(&mut socket, "the server continues").await;
}

/// First the Close, then the end of TLS, then that of TCP. Without `close_notify`, rustls returns
/// an error.
#[tokio::test]
async fn tls_is_closed_after_the_websocket() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let authority = Authority::new();
    tokio::spawn(serve_tls(listener, authority.tls(), service()).into_future());
    let connector = authority.client(&["http/1.1"], false);
    let mut socket = websocket(tls(&connector, TcpStream::connect(addr).await.unwrap()).await.unwrap()).await;
    socket.close(None).await.unwrap();
    assert!(matches!(soon(socket.next()).await, Some(Ok(Message::Close(_)))));
    assert!(soon(socket.next()).await.is_none());
    assert_eq!(soon(socket.get_mut().read(&mut [0])).await.unwrap(), 0);

    // The same for a connection with only an ordinary request.
    let mut io = tls(&connector, TcpStream::connect(addr).await.unwrap()).await.unwrap();
    let answer = exchange(&mut io, b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
    assert!(answer.ends_with(b"\r\n\r\npage"));
}

/// A stalled TLS handshake does not delay other connections.
#[tokio::test]
async fn one_slow_tls_client_does_not_delay_another() {
    let authority = Authority::new();
    let (connector, _server) = start_tls(authority.tls(), service(), |server| server);
    let mut slow = Vec::new();
    for _ in 0..100 {
        let mut io = connector.connect();
        io.write_all(b"\x16\x03\x01").await.unwrap();
        slow.push(io);
    }
    let io = tls(&authority.client(&[], false), connector.connect()).await.unwrap();
    echo(&mut websocket(io).await, "hello").await;
}
