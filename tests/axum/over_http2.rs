//! The extractor over HTTP/2 (RFC 8441), under `axum::serve`, on a port.

use std::{net::SocketAddr, time::Duration};

use axum::{
    Extension, Router,
    response::Response,
    routing::{any, get},
};
use futures_util::{SinkExt, StreamExt};
use h2::client::Builder;
use http::{Method, StatusCode, request};
use raw_client::http2::{Client, Stream, connect};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};
use tower_websocket::{AllowOrigin, Config, Message, axum::WebSocketUpgrade};

use crate::programs::{echoes, relays};

async fn serve(app: Router) -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr: SocketAddr = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    let (mut client, _) = connect(TcpStream::connect(addr).await.unwrap(), &Builder::new()).await;
    client.ready().await;
    client
}

async fn open(client: &Client, request: request::Builder) -> WebSocketStream<Stream> {
    WebSocketStream::from_raw_socket(client.open(request).await, Role::Client, None).await
}

async fn next(socket: &mut WebSocketStream<Stream>) -> Message {
    timeout(Duration::from_secs(10), socket.next()).await.unwrap().unwrap().unwrap()
}

#[tokio::test]
async fn programs_written_for_axum_work_over_http2() {
    for (_, app) in echoes() {
        let client = serve(app).await;
        let request = Client::websocket("http://a/echo").header("sec-websocket-protocol", "echo3, echo");
        let mut socket = open(&client, request).await;
        socket.send("foobar".into()).await.unwrap();
        assert_eq!(next(&mut socket).await, Message::text("foobar"));
        socket.send(Message::Ping("ping".into())).await.unwrap();
        assert_eq!(next(&mut socket).await, Message::Pong("ping".into()));
    }
    for (_, app) in relays() {
        let client = serve(app).await;
        // Two sockets of one connection.
        let mut one = open(&client, Client::websocket("http://a/ws")).await;
        let mut other = open(&client, Client::websocket("http://a/ws")).await;
        one.send("hello".into()).await.unwrap();
        assert_eq!(next(&mut one).await, Message::text("hello"));
        assert_eq!(next(&mut other).await, Message::text("hello"));
    }
}

#[tokio::test]
async fn handshake_is_checked_as_over_http_1() {
    async fn upgrade(ws: WebSocketUpgrade) -> Response {
        ws.on_upgrade(async |mut socket| drop(socket.send("hello").await))
    }
    let config = Config::new().allow_origin(AllowOrigin::list(["https://example.com"]).unwrap());
    let app = Router::new().route("/", any(upgrade)).route("/get", get(upgrade)).layer(Extension(config));
    let client = serve(app).await;
    let websocket = || Client::websocket("http://a/");
    let get = || request::Builder::new().method(Method::GET).uri("http://a/");
    for (request, status, text) in [
        (websocket().header("origin", "https://example.com"), 200, ""),
        (websocket().header("origin", "https://evil.example"), 403, "the origin"),
        (websocket().header("sec-websocket-version", "8"), 400, "Sec-WebSocket-Version is repeated"),
        (Client::extended_connect("http://a/", "connect-udp"), 501, ""),
        (get(), 405, "CONNECT"),
        // `get` does not match `CONNECT`.
        (Client::websocket("http://a/get"), 405, ""),
    ] {
        let (response, mut stream) = client.send(request, false).await.response().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{text}");
        if response.status() != StatusCode::OK {
            let mut body = String::new();
            stream.read_to_string(&mut body).await.unwrap();
            assert!(body.contains(text), "{body:?} should contain {text:?}");
        }
    }
}
