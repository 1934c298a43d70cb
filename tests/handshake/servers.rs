//! The layer under every server, over TCP, with tokio-tungstenite as the client.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt, future::join_all};
use http::StatusCode;
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tower_websocket::{Message, tungstenite};

use crate::{
    server::{Server, WHICH_IO},
    wire::{Wire, head, soon, text_frame},
};

async fn connect(addr: SocketAddr) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
    let (socket, response) = soon(connect_async(format!("ws://{addr}/"))).await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    socket
}

async fn wire(addr: SocketAddr) -> Wire<TcpStream> {
    Wire::new(TcpStream::connect(addr).await.unwrap())
}

/// Returns the next message, as text.
async fn text<IO>(socket: &mut WebSocketStream<IO>) -> String
where
    WebSocketStream<IO>: StreamExt<Item = Result<Message, tungstenite::Error>> + Unpin,
{
    soon(socket.next()).await.unwrap().unwrap().to_text().unwrap().to_owned()
}

#[tokio::test]
async fn messages_are_echoed() {
    for server in Server::ALL {
        let mut socket = connect(server.start().await).await;
        for message in [Message::text("hello"), Message::binary(vec![0, 159, 146, 150]), Message::text("")] {
            socket.send(message.clone()).await.unwrap();
            assert_eq!(soon(socket.next()).await.unwrap().unwrap(), message, "{server:?}");
        }
        socket.close(None).await.unwrap();
        assert!(soon(socket.next()).await.unwrap().unwrap().is_close(), "{server:?}");
        assert!(soon(socket.next()).await.is_none(), "{server:?}");
    }
}

#[tokio::test]
async fn ordinary_requests_and_websockets_are_served() {
    for server in Server::ALL {
        let mut wire = wire(server.start().await).await;
        for (path, status) in [("/page", StatusCode::OK), ("/nothing", StatusCode::NOT_FOUND)] {
            let fallback_is_ours = server == Server::AxumFallbackService && path == "/nothing";
            let status = if fallback_is_ours { StatusCode::UPGRADE_REQUIRED } else { status };
            wire.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
            let response = wire.response().await;
            assert_eq!(response.status(), status, "{server:?} {path}");
            assert!(status != StatusCode::OK || response.body() == "page", "{server:?}");
        }
        // The same connection can still open a WebSocket.
        let mut socket = wire.open("/").await;
        socket.send(Message::text("hello")).await.unwrap();
        assert_eq!(text(&mut socket).await, "hello", "{server:?}");
    }
}

#[tokio::test]
async fn handler_has_the_bare_tcp_stream() {
    for server in Server::ALL {
        let mut socket = connect(server.start().await).await;
        socket.send(Message::text(WHICH_IO)).await.unwrap();
        assert_eq!(text(&mut socket).await, "bare TCP", "{server:?}");
    }
}

#[tokio::test]
async fn rejected_connection_is_kept_alive_and_may_still_open() {
    for server in Server::ALL {
        let mut wire = wire(server.start().await).await;
        for _ in 0..2 {
            wire.send(head("/?refuse")).await;
            let response = wire.response().await;
            assert_eq!(
                (response.status(), response.body().as_str()),
                (StatusCode::FORBIDDEN, "no"),
                "{server:?}"
            );
        }
        wire.send(head("/").replace("Version: 13", "Version: 8")).await;
        assert_eq!(wire.response().await.status(), StatusCode::UPGRADE_REQUIRED, "{server:?}");
        let mut socket = wire.open("/").await;
        socket.send(Message::text("hello")).await.unwrap();
        assert_eq!(text(&mut socket).await, "hello", "{server:?}");
    }
}

#[tokio::test]
async fn frames_in_the_requests_packet_are_served() {
    for server in Server::ALL {
        let mut wire = wire(server.start().await).await;
        let early = [head("/").into_bytes(), text_frame("one"), text_frame("two")].concat();
        wire.send(early).await;
        assert_eq!(wire.response().await.status(), StatusCode::SWITCHING_PROTOCOLS, "{server:?}");
        let mut socket = wire.into_websocket().await;
        socket.send(Message::text("three")).await.unwrap();
        for expected in ["one", "two", "three"] {
            assert_eq!(text(&mut socket).await, expected, "{server:?}");
        }
    }
}

#[tokio::test]
async fn partial_frame_in_the_requests_packet_is_completed_later() {
    for server in Server::ALL {
        let mut wire = wire(server.start().await).await;
        let frame = text_frame("hello");
        wire.send([head("/").as_bytes(), &frame[..4]].concat()).await;
        assert_eq!(wire.response().await.status(), StatusCode::SWITCHING_PROTOCOLS, "{server:?}");
        wire.send(&frame[4..]).await;
        assert_eq!(text(&mut wire.into_websocket().await).await, "hello", "{server:?}");
    }
}

#[tokio::test]
async fn fifty_connections_are_open_at_once() {
    for server in Server::ALL {
        let addr = server.start().await;
        let mut sockets = join_all((0..50).map(|_| connect(addr))).await;
        for (i, socket) in sockets.iter_mut().enumerate() {
            socket.send(Message::text(i.to_string())).await.unwrap();
        }
        for (i, socket) in sockets.iter_mut().enumerate().rev() {
            assert_eq!(text(socket).await, i.to_string(), "{server:?}");
        }
    }
}
