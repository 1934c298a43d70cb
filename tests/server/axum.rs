//! `serve` below axum: handlers and middleware written for `axum::serve` work.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Extension, Router,
    extract::ConnectInfo,
    routing::{any_service, get},
};
use futures_util::StreamExt;
use http::{Request, Response, StatusCode};
use tokio::net::TcpListener;
use tokio_tungstenite::{connect_async, tungstenite};
use tower::service_fn;
use tower_governor::{GovernorLayer, governor::GovernorConfigBuilder};
use tower_websocket::{Handshake, Rejection, WebSocketUpgradeLayer, serve, server::PeerAddr};

async fn start(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, app).into_future());
    addr
}

/// Sends a request on a new connection. Returns the status, the body, and the client's address.
async fn ask(addr: SocketAddr, path: &str) -> (StatusCode, String, SocketAddr) {
    let io = tokio::net::TcpStream::connect(addr).await.unwrap();
    let own = io.local_addr().unwrap();
    let io = hyper_util::rt::TokioIo::new(io);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get(path).header("host", "a").body(String::new()).unwrap();
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    let body = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
    (head.status, String::from_utf8(body.into()).unwrap(), own)
}

#[tokio::test]
async fn handlers_have_the_client_address() {
    let app = Router::new()
        .route("/connect_info", get(async |ConnectInfo(addr): ConnectInfo<SocketAddr>| addr.to_string()))
        .route("/plain", get(async |Extension(addr): Extension<SocketAddr>| addr.to_string()))
        .route("/peer_addr", get(async |Extension(addr): Extension<PeerAddr>| addr.to_string()));
    let addr = start(app).await;
    for path in ["/connect_info", "/plain", "/peer_addr"] {
        let (status, body, own) = ask(addr, path).await;
        assert_eq!((status, body), (StatusCode::OK, own.to_string()), "{path}");
    }
}

#[tokio::test]
async fn handshake_service_has_the_connect_info() {
    async fn handshake(request: Request<Handshake>) -> Result<Response<SocketAddr>, Rejection> {
        let ConnectInfo(addr) = *request.extensions().get::<ConnectInfo<SocketAddr>>().unwrap();
        Ok(request.into_body().accept(addr))
    }
    let layer = WebSocketUpgradeLayer::new(service_fn(handshake), async |mut socket, addr: SocketAddr| {
        let _ = socket.send(addr.to_string()).await;
    });
    let addr = start(Router::new().fallback_service(layer.into_service())).await;
    let (mut socket, _) = connect_async(format!("ws://{addr}/")).await.unwrap();
    let tokio_tungstenite::MaybeTlsStream::Plain(io) = socket.get_ref() else { panic!("this is TLS") };
    let own = io.local_addr().unwrap().to_string();
    assert_eq!(socket.next().await.unwrap().unwrap().to_text().unwrap(), own);
}

/// The real tower_governor, which responds with 500 if it finds no address.
#[tokio::test]
async fn tower_governor_limits_each_client() {
    let governor = GovernorConfigBuilder::default().per_second(3600).burst_size(3).finish().unwrap();
    let layer = WebSocketUpgradeLayer::new(tower_websocket::AcceptAll, async |mut socket, ()| {
        let _ = socket.send("welcome").await;
    });
    let app = Router::new()
        .route("/", get("page"))
        .route("/ws", any_service(layer.into_service()))
        .layer(GovernorLayer::new(Arc::new(governor)));
    let addr = start(app).await;
    let (mut socket, _) = connect_async(format!("ws://{addr}/ws")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap().to_text().unwrap(), "welcome");
    for expected in [StatusCode::OK, StatusCode::OK, StatusCode::TOO_MANY_REQUESTS] {
        assert_eq!(ask(addr, "/").await.0, expected);
    }
    let tungstenite::Error::Http(refused) = connect_async(format!("ws://{addr}/ws")).await.unwrap_err()
    else {
        panic!("not refused by a response")
    };
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
}
