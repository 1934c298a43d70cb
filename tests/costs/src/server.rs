//! The server: without TLS, with TLS, and with each form of compression.

use std::{future::IntoFuture, io};

use http::{Request, Response};
use tokio::net::{TcpListener, TcpSocket};
use tower::service_fn;
use tower_websocket::{
    Config, Deflate, Handshake, Message, Rejection, WebSocket, WebSocketUpgradeLayer, serve as on,
    server::{HttpService, TlsConfig},
};

/// The port of the server that a peer connects to.
#[derive(Clone, Copy)]
pub(crate) enum Port {
    Plain,
    Tls,
    /// Compression with its defaults: with takeover of the client, without that of the server.
    Deflate,
    /// Compression without takeover.
    Alone,
    /// Compression with takeover of both.
    Takeover,
}

/// Prints its ports in the order of [`Port`], and serves until the process is ended.
pub(crate) async fn serve() -> io::Result<()> {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).map_err(io::Error::other)?;
    let (chain, secret) = (key.cert.pem(), key.signing_key.serialize_pem());
    let tls = TlsConfig::from_pem(chain.as_bytes(), secret.as_bytes()).map_err(io::Error::other)?;
    let ports = [listen()?, listen()?, listen()?, listen()?, listen()?];
    for port in &ports {
        println!("{}", port.local_addr()?.port());
    }
    let [plain, secure, deflate, alone, takeover] = ports;
    let compressing = |deflate: Deflate| service(Config::new().deflate(deflate.threshold(0)));
    let plain = on(plain, service(Config::new())).listen_tls(secure, tls).into_future();
    let deflate = on(deflate, compressing(Deflate::new())).into_future();
    let alone = on(alone, compressing(Deflate::new().client_no_context_takeover(true))).into_future();
    let takeover = on(takeover, compressing(Deflate::new().context_takeover(true))).into_future();
    tokio::try_join!(plain, deflate, alone, takeover).map(|_| ())
}

fn listen() -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    socket.listen(4096)
}

fn service(config: Config) -> impl HttpService {
    WebSocketUpgradeLayer::new(service_fn(handshake), handler).with_config(config).into_service()
}

/// Attaches the path.
async fn handshake(request: Request<Handshake>) -> Result<Response<String>, Rejection> {
    let path = request.uri().path().to_owned();
    Ok(request.into_body().accept(path))
}

async fn handler(mut socket: WebSocket, path: String) {
    match &*path {
        "/deaf" => std::future::pending().await,
        "/source" => while socket.send(Message::binary(vec![1; 16 << 10])).await.is_ok() {},
        _ => {
            while let Some(Ok(message)) = socket.recv().await {
                if path == "/echo" && socket.send(message).await.is_err() {
                    break;
                }
            }
        }
    }
}
