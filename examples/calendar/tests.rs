//! Tests the example with tokio-tungstenite as the client: `cargo test --example calendar`.

use std::{future::IntoFuture, net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use tokio::{net::TcpListener, time::timeout};
use tokio_tungstenite::{connect_async, tungstenite};
use tower_websocket::{CloseFrame, Message, serve};

async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, crate::service()).into_future());
    addr
}

#[tokio::test]
async fn socket_stays_open_until_the_client_closes_it() {
    let addr = start().await;
    let (mut socket, _) = connect_async(format!("ws://{addr}/2013/10")).await.unwrap();
    let line = socket.next().await.unwrap().unwrap();
    assert_eq!(line, Message::text("You are accessing YEAR = 2013, MONTH = 10"));
    // No message, Close or end of stream arrives while the client is quiet.
    assert!(timeout(Duration::from_millis(200), socket.next()).await.is_err());
    for payload in ["", "still there?"] {
        socket.send(Message::Ping(payload.into())).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::Pong(payload.into()));
    }
    socket.send(Message::text("anything")).await.unwrap();
    for (code, reason) in [(1000, ""), (4001, "own reason")] {
        let (mut socket, _) = connect_async(format!("ws://{addr}/2013/10")).await.unwrap();
        assert!(socket.next().await.unwrap().unwrap().is_text());
        let frame = CloseFrame { code: code.into(), reason: reason.into() };
        socket.close(Some(frame)).await.unwrap();
        let Message::Close(Some(echoed)) = socket.next().await.unwrap().unwrap() else { panic!("no Close") };
        assert_eq!(u16::from(echoed.code), code);
        assert!(socket.next().await.is_none());
    }
    socket.close(None).await.unwrap();
    assert!(socket.next().await.unwrap().unwrap().is_close());
}

#[tokio::test]
async fn other_paths_are_rejected() {
    let addr = start().await;
    for path in ["", "2013", "2013/13", "2013/0", "2013/x", "x/10", "2013/+10", "+2013/10"] {
        match connect_async(format!("ws://{addr}/{path}")).await {
            Err(tungstenite::Error::Http(response)) => assert_eq!(response.status(), StatusCode::NOT_FOUND),
            other => panic!("{path}: {other:?}"),
        }
    }
}
