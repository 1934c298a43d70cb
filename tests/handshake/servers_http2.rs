//! The layer under every server that accepts HTTP/2, over TCP.

use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt, future::join_all};
use h2::client::Builder;
use http::{Method, Request, StatusCode, Version};
use http_body_util::Empty;
use hyper::{client::conn::http2, ext::Protocol};
use hyper_util::rt::{TokioExecutor, TokioIo};
use raw_client::http2::{Client, Stream, connect};
use tokio::{io::AsyncReadExt, net::TcpStream};
use tokio_tungstenite::WebSocketStream;
use tower_websocket::{
    Message,
    tungstenite::{self, protocol::Role},
};

use crate::{
    server::{Server, WHICH_IO},
    wire::{soon, text_frame},
};

async fn client(addr: SocketAddr) -> Client {
    let (mut client, _) = connect(TcpStream::connect(addr).await.unwrap(), &Builder::new()).await;
    soon(client.ready()).await;
    client
}

/// Opens a tokio-tungstenite client on a stream.
async fn open(client: &Client, uri: &str) -> WebSocketStream<Stream> {
    let stream = soon(client.open(Client::websocket(uri))).await;
    WebSocketStream::from_raw_socket(stream, Role::Client, None).await
}

/// Returns the next message, as text.
async fn text<S>(socket: &mut S) -> String
where
    S: StreamExt<Item = Result<Message, tungstenite::Error>> + Unpin,
{
    soon(socket.next()).await.unwrap().unwrap().to_text().unwrap().to_owned()
}

#[tokio::test]
async fn messages_are_echoed() {
    for server in Server::HTTP2 {
        let mut socket = open(&client(server.start().await).await, "http://a/").await;
        let large = Message::binary(vec![7; 300_000]);
        for message in [Message::text("hello"), Message::binary(vec![0, 159, 146, 150]), large] {
            socket.send(message.clone()).await.unwrap();
            assert_eq!(soon(socket.next()).await.unwrap().unwrap(), message, "{server:?}");
        }
        socket.close(None).await.unwrap();
        assert!(soon(socket.next()).await.unwrap().unwrap().is_close(), "{server:?}");
        assert!(soon(socket.next()).await.is_none(), "{server:?}");
    }
}

#[tokio::test]
async fn hyper_client_is_served() {
    for server in Server::HTTP2 {
        let io = TokioIo::new(TcpStream::connect(server.start().await).await.unwrap());
        let (mut client, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(connection);
        // hyper fails an extended CONNECT that it sends before it has received the server's
        // settings.
        let page = Request::get("http://a/page").body(Empty::<Bytes>::new()).unwrap();
        assert_eq!(soon(client.send_request(page)).await.unwrap().status(), StatusCode::OK);
        let request = Request::builder()
            .method(Method::CONNECT)
            .uri("http://a/")
            .version(Version::HTTP_2)
            .extension(Protocol::from_static("websocket"))
            .header("sec-websocket-version", "13")
            .body(Empty::new())
            .unwrap();
        let response = soon(client.send_request(request)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{server:?}");
        let io = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
        let mut socket = WebSocketStream::from_raw_socket(io, Role::Client, None).await;
        socket.send(Message::text("hello")).await.unwrap();
        assert_eq!(text(&mut socket).await, "hello", "{server:?}");
        socket.close(None).await.unwrap();
        assert!(soon(socket.next()).await.unwrap().unwrap().is_close(), "{server:?}");
        assert!(soon(socket.next()).await.is_none(), "{server:?}");
    }
}

#[tokio::test]
async fn ordinary_requests_and_websockets_are_served() {
    for server in Server::HTTP2 {
        let client = client(server.start().await).await;
        let mut socket = open(&client, "http://a/").await;
        let fallback_is_ours = server == Server::AxumFallbackService;
        let no_websocket =
            if fallback_is_ours { StatusCode::METHOD_NOT_ALLOWED } else { StatusCode::NOT_FOUND };
        for (path, status) in [("/page", StatusCode::OK), ("/nothing", no_websocket)] {
            let request = Request::get(format!("http://a{path}")).version(Version::HTTP_2);
            let (response, mut stream) = soon(client.send(request, true)).await.response().await.unwrap();
            assert_eq!(response.status(), status, "{server:?} {path}");
            let mut body = String::new();
            soon(stream.read_to_string(&mut body)).await.unwrap();
            assert!(status != StatusCode::OK || body == "page", "{server:?} {body:?}");
            socket.send(Message::text("hello")).await.unwrap();
            assert_eq!(text(&mut socket).await, "hello", "{server:?}");
        }
    }
}

#[tokio::test]
async fn rejection_does_not_affect_the_connection() {
    for server in Server::HTTP2 {
        let client = client(server.start().await).await;
        for _ in 0..2 {
            let request = Client::websocket("http://a/?refuse");
            let (response, mut stream) = soon(client.send(request, false)).await.response().await.unwrap();
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{server:?}");
            let mut body = String::new();
            soon(stream.read_to_string(&mut body)).await.unwrap();
            assert_eq!(body, "no", "{server:?}");
        }
        let mut socket = open(&client, "http://a/").await;
        socket.send(Message::text("hello")).await.unwrap();
        assert_eq!(text(&mut socket).await, "hello", "{server:?}");
    }
}

#[tokio::test]
async fn frames_sent_before_the_response_are_served() {
    for server in Server::HTTP2 {
        let client = client(server.start().await).await;
        let mut sent = client.send(Client::websocket("http://a/"), false).await;
        sent.send.send_data([text_frame("one"), text_frame("two")].concat().into(), false).unwrap();
        let (response, stream) = soon(sent.response()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{server:?}");
        let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
        socket.send(Message::text("three")).await.unwrap();
        for expected in ["one", "two", "three"] {
            assert_eq!(text(&mut socket).await, expected, "{server:?}");
        }
    }
}

#[tokio::test]
async fn handler_has_hypers_stream() {
    for server in Server::HTTP2 {
        let mut socket = open(&client(server.start().await).await, "http://a/").await;
        socket.send(Message::text(WHICH_IO)).await.unwrap();
        assert_eq!(text(&mut socket).await, "boxed", "{server:?}");
    }
}

#[tokio::test]
async fn fifty_sockets_are_open_at_once_on_one_connection() {
    for server in Server::HTTP2 {
        let client = client(server.start().await).await;
        let mut sockets = join_all((0..50).map(|_| open(&client, "http://a/"))).await;
        for (n, socket) in sockets.iter_mut().enumerate() {
            socket.send(Message::text(n.to_string())).await.unwrap();
        }
        for (n, socket) in sockets.iter_mut().enumerate().rev() {
            assert_eq!(text(socket).await, n.to_string(), "{server:?}");
        }
    }
}

/// Two clients on one port, one for each version.
#[tokio::test]
async fn server_of_both_versions_serves_both() {
    for server in Server::HTTP2 {
        if server == Server::HyperHttp2 {
            continue;
        }
        let addr = server.start().await;
        let mut new = open(&client(addr).await, "http://a/").await;
        let (mut old, _) = soon(tokio_tungstenite::connect_async(format!("ws://{addr}/"))).await.unwrap();
        new.send(Message::text("new")).await.unwrap();
        old.send(Message::text("old")).await.unwrap();
        assert_eq!((text(&mut new).await, text(&mut old).await), ("new".into(), "old".into()), "{server:?}");
    }
}
