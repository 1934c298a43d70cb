//! The services of these tests.

use std::{convert::Infallible, time::Duration};

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use tower::{Layer, service_fn};
use tower_websocket::{
    Handshake, Rejection, WebSocket, WebSocketUpgradeLayer,
    server::{HttpService, PeerAddr, TlsInfo},
};

/// The size of a large page, in bytes.
pub(crate) const LARGE: usize = 1_000_000;

/// Returns a page at any path, a large one at `/large`, after the number of seconds in the query,
/// and echoing WebSockets at any path.
pub(crate) fn service() -> impl HttpService {
    WebSocketUpgradeLayer::new(service_fn(handshake), echo).layer(service_fn(page))
}

/// The same, but each WebSocket begins with a message of [`Facts`].
pub(crate) fn telling() -> impl HttpService {
    WebSocketUpgradeLayer::new(service_fn(handshake), async |mut socket: WebSocket, facts: String| {
        let _ = socket.send(facts).await;
        echo(socket, String::new()).await;
    })
    .layer(service_fn(page))
}

/// Describes a connection in one line.
async fn handshake(request: Request<Handshake>) -> Result<Response<String>, Rejection> {
    let tls = request.extensions().get::<TlsInfo>();
    let peer = request.extensions().get::<PeerAddr>();
    let facts = format!(
        "{:?} peer={} tls={:?} sni={:?} alpn={:?} certificates={}",
        request.version(),
        peer.is_some_and(|peer| peer.0.ip().is_loopback()),
        tls.and_then(TlsInfo::protocol_version),
        tls.and_then(TlsInfo::server_name),
        tls.and_then(TlsInfo::alpn_protocol).map(String::from_utf8_lossy),
        tls.map_or(0, |tls| tls.peer_certificates().len()),
    );
    Ok(request.into_body().accept(facts))
}

async fn echo(mut socket: WebSocket, _: String) {
    while let Some(Ok(message)) = socket.recv().await {
        if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
            break;
        }
    }
}

pub(crate) async fn page(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    if let Some(seconds) = request.uri().query().and_then(|query| query.parse().ok()) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
    Ok(Response::new(if request.uri().path() == "/large" { vec![b'x'; LARGE].into() } else { "page".into() }))
}
