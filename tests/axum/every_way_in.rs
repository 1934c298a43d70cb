//! Properties of every way to open a socket, here with the extractor under `axum::serve`.

use std::net::SocketAddr;

use axum::{Extension, Router, response::Response, routing::any};
use futures_util::StreamExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_tungstenite::connect_async;
use tower_websocket::{Config, axum::WebSocketUpgrade};

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    addr
}

/// `axum::serve` does not set the option. The test also shows that the IO is the bare socket.
#[tokio::test]
async fn tcp_nodelay_is_set() {
    async fn tell(ws: WebSocketUpgrade) -> Response {
        ws.on_upgrade(async |mut socket| {
            let nodelay = socket.with_io(|io| io.as_tcp().map(TcpStream::nodelay)).await;
            let _ = socket.send(format!("{nodelay:?}")).await;
        })
    }
    for nodelay in [true, false] {
        let config = Config::new().tcp_nodelay(nodelay);
        let addr = serve(Router::new().route("/", any(tell)).layer(Extension(config))).await;
        let (mut client, _) = connect_async(format!("ws://{addr}/")).await.unwrap();
        let told = client.next().await.unwrap().unwrap();
        assert_eq!(told.to_text().unwrap(), format!("Some(Some(Ok({nodelay})))"));
    }
}

async fn upgrade(ws: WebSocketUpgrade) -> Response {
    ws.on_upgrade(async |mut socket| drop(socket.send("hello").await))
}

#[tokio::test]
async fn header_names_of_the_101_may_be_spelled_as_in_the_rfc() {
    let config = Config::new().canonical_header_case(true);
    let addr = serve(Router::new().route("/", any(upgrade)).layer(Extension(config))).await;
    let mut client = TcpStream::connect(addr).await.unwrap();
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    client.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{head}");
}
