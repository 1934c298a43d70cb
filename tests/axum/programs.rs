//! Programs written for axum's extractor, compiled twice: only the import changes.
//!
//! They do the same as axum's examples `chat`, `websockets` and `websockets-http2` and the test of
//! its extractor.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, extract::ConnectInfo};
use http::{Request, StatusCode};
use tower_websocket::{
    CloseCode, Message,
    testing::{Client, connect},
};

macro_rules! twice {
    ($name:ident, $file:literal, $($item:ident),*) => {
        mod $name {
            pub(super) mod with_axum {
                use axum::extract::ws::{$($item),*};
                include!($file);
            }
            #[allow(unused_imports, unused_mut, reason = "a sender of ours sends without `SinkExt`, and without `mut`")]
            pub(super) mod with_ours {
                use tower_websocket::axum::{$($item),*};
                include!($file);
            }
        }
    };
}

twice!(echo, "programs/echo.rs", Message, WebSocket, WebSocketUpgrade);
twice!(chat, "programs/chat.rs", Message, Utf8Bytes, WebSocket, WebSocketUpgrade);
twice!(
    greeter,
    "programs/greeter.rs",
    CloseFrame,
    Message,
    Utf8Bytes,
    WebSocket,
    WebSocketUpgrade,
    close_code
);
twice!(relay, "programs/relay.rs", Message, WebSocketUpgrade);

pub(crate) fn relays() -> [(&'static str, Router); 2] {
    [("axum", relay::with_axum::app()), ("ours", relay::with_ours::app())]
}

pub(crate) fn echoes() -> [(&'static str, Router); 2] {
    [("axum", echo::with_axum::app()), ("ours", echo::with_ours::app())]
}

#[tokio::test(start_paused = true)]
async fn echo_selects_a_subprotocol_and_answers_pings() {
    for (whose, app) in echoes() {
        let request = Request::get("/echo").header("sec-websocket-protocol", "echo3, echo");
        let mut client = connect(app, request).await.unwrap();
        assert_eq!(client.protocol(), Some("echo"), "{whose}");
        client.send("foobar").await.unwrap();
        assert_eq!(client.recv().await.unwrap().unwrap(), Message::text("foobar"), "{whose}");
        client.send(Message::Ping("ping".into())).await.unwrap();
        assert_eq!(client.recv().await.unwrap().unwrap(), Message::Pong("ping".into()), "{whose}");
        // It echoes a Close as well. axum's program ends before its answer is sent.
        let code = if whose == "axum" { 1006 } else { 1000 };
        assert_eq!(client.close(CloseCode::NORMAL, "").await.0, code, "{whose}");
    }
}

#[tokio::test(start_paused = true)]
async fn chat_sends_joins_messages_and_leaves_to_all() {
    for (whose, app) in [("axum", chat::with_axum::app()), ("ours", chat::with_ours::app())] {
        let enter = async |name: &str| -> Client {
            let mut client = connect(app.clone(), "/websocket").await.unwrap();
            client.send(name).await.unwrap();
            client
        };
        let mut ada = enter("Ada").await;
        assert_eq!(ada.recv_text().await, "Ada joined.", "{whose}");
        assert_eq!(enter("Ada").await.recv_text().await, "Username already taken.", "{whose}");
        let mut bob = enter("Bob").await;
        for client in [&mut ada, &mut bob] {
            assert_eq!(client.recv_text().await, "Bob joined.", "{whose}");
        }
        bob.send("hello").await.unwrap();
        for client in [&mut ada, &mut bob] {
            assert_eq!(client.recv_text().await, "Bob: hello", "{whose}");
        }
        bob.close(CloseCode::NORMAL, "").await;
        assert_eq!(ada.recv_text().await, "Bob left.", "{whose}");
        assert_eq!(enter("Bob").await.recv_text().await, "Bob joined.", "{whose}");
    }
}

/// The client of the example sends while it receives, and answers the Close.
#[tokio::test(start_paused = true)]
async fn greeter_pings_greets_counts_and_closes() {
    for (whose, app) in [("axum", greeter::with_axum::app()), ("ours", greeter::with_ours::app())] {
        let request = Request::get("/ws").extension(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 4000))));
        let mut client = connect(app, request).await.unwrap();
        assert_eq!(client.recv().await.unwrap().unwrap(), Message::Ping(vec![1, 2, 3].into()), "{whose}");
        client.send("hello").await.unwrap();
        for i in 1..5 {
            assert_eq!(client.recv_text().await, format!("Hi {i} times, 127.0.0.1:4000!"), "{whose}");
        }
        for i in 0..20 {
            assert_eq!(client.recv_text().await, format!("Server message {i}"), "{whose}");
            client.send("and one of mine").await.unwrap();
        }
        assert_eq!(client.closed().await, (1000, "Goodbye".into()), "{whose}");
    }
}

#[tokio::test(start_paused = true)]
async fn relay_sends_to_all_and_ends_with_its_client() {
    for (whose, app) in relays() {
        let mut one = connect(app.clone(), "/ws").await.unwrap();
        let mut other = connect(app.clone(), "/ws").await.unwrap();
        // Both handlers have subscribed before they are polled.
        tokio::time::sleep(Duration::from_millis(1)).await;
        one.send("hello").await.unwrap();
        for client in [&mut one, &mut other] {
            assert_eq!(client.recv_text().await, "hello", "{whose}");
        }
        assert_eq!(one.close(CloseCode::NORMAL, "").await.0, 1000, "{whose}");
        other.send("still here").await.unwrap();
        assert_eq!(other.recv_text().await, "still here", "{whose}");
    }
}

#[tokio::test]
async fn ordinary_requests_are_rejected() {
    for (whose, app) in relays() {
        let request = Request::get("/ws").header("upgrade", "h2c");
        let refused = connect(app, request).await.unwrap_err();
        let status = if whose == "axum" { StatusCode::BAD_REQUEST } else { StatusCode::UPGRADE_REQUIRED };
        assert_eq!(refused.status(), status, "{whose}");
    }
}
