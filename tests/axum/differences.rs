//! Differences from axum's extractor: each line of the table in `guide::moving_from_axum`, tested
//! with both.

use std::{future::Future, pin::Pin, time::Duration};

use axum::{Router, response::Response, routing::any};
use futures_util::{SinkExt, StreamExt};
use http::{Request, StatusCode};
use tokio::time::{Instant, sleep, timeout_at};
use tower::ServiceExt;
use tower_websocket::{
    CloseCode, Message,
    testing::{Client, connect},
    tungstenite::protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

type Handler = Pin<Box<dyn Future<Output = ()> + Send>>;

fn axums(handler: fn(axum::extract::ws::WebSocket) -> Handler) -> Router {
    let upgrade = async move |ws: axum::extract::ws::WebSocketUpgrade| -> Response { ws.on_upgrade(handler) };
    Router::new().route("/", any(upgrade))
}

fn ours(handler: fn(tower_websocket::axum::WebSocket) -> Handler) -> Router {
    let upgrade =
        async move |ws: tower_websocket::axum::WebSocketUpgrade| -> Response { ws.on_upgrade(handler) };
    Router::new().route("/", any(upgrade))
}

/// Makes a router of axum and one of this crate, with the same body of the socket's handler.
macro_rules! both {
    (|$socket:ident| $body:expr) => {
        [axums(|$socket| Box::pin(async move { $body })), ours(|$socket| Box::pin(async move { $body }))]
    };
}

async fn open(app: Router) -> Client {
    connect(app, "/").await.unwrap()
}

#[tokio::test]
async fn foreign_origin_is_rejected() {
    let [axums, ours] = both!(|_socket| ());
    let request = || Request::get("/").header("origin", "https://evil.example");
    assert!(connect(axums, request()).await.is_ok());
    assert_eq!(connect(ours, request()).await.unwrap_err().status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn key_is_sixteen_bytes() {
    let [axums, ours] = both!(|_socket| ());
    let request = || Request::get("/").header("sec-websocket-key", "abc");
    assert!(connect(axums, request()).await.is_ok());
    assert_eq!(connect(ours, request()).await.unwrap_err().status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn headers_are_parsed_as_lists() {
    let [axums, ours] = both!(|_socket| ());
    for (app, expected) in [(axums, StatusCode::SWITCHING_PROTOCOLS), (ours, StatusCode::UPGRADE_REQUIRED)] {
        let request = Request::get("/")
            .header("host", "a")
            .header("connection", "not-an-upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .extension(hyper::upgrade::on(Request::new(())));
        let response = app.oneshot(request.body(String::new()).unwrap()).await.unwrap();
        assert_eq!(response.status(), expected);
    }
}

#[tokio::test]
async fn requested_protocols_keep_the_clients_order() {
    let axums = async |ws: axum::extract::ws::WebSocketUpgrade| {
        assert_eq!(ws.requested_protocols().collect::<Vec<_>>(), ["a", "b"]);
        ws.on_upgrade(async |_| ())
    };
    let ours = async |ws: tower_websocket::axum::WebSocketUpgrade| {
        assert_eq!(ws.requested_protocols().collect::<Vec<_>>(), ["b", "a"]);
        ws.on_upgrade(async |_| ())
    };
    for app in [Router::new().route("/", any(axums)), Router::new().route("/", any(ours))] {
        let request = Request::get("/").header("sec-websocket-protocol", "b, a");
        assert!(connect(app, request).await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn messages_over_1_mib_close_with_1009() {
    let [axums, ours] = both!(|socket| {
        let mut socket = socket;
        while let Some(Ok(message)) = socket.recv().await {
            let length = message.into_data().len().to_string();
            let _ = SinkExt::send(&mut socket, length.into()).await;
        }
    });
    let mut client = open(axums).await;
    client.send(vec![0; (1 << 20) + 1]).await.unwrap();
    assert_eq!(client.recv_text().await, "1048577");
    let mut client = open(ours).await;
    client.send(vec![0; (1 << 20) + 1]).await.unwrap();
    assert_eq!(client.closed().await.0, 1009);
}

#[tokio::test(start_paused = true)]
async fn returning_handler_closes_with_1000() {
    let [axums, ours] = both!(|_socket| ());
    assert_eq!(open(axums).await.closed().await.0, 1006);
    assert_eq!(open(ours).await.closed().await.0, 1000);
}

#[tokio::test(start_paused = true)]
async fn malformed_text_closes_with_1007() {
    let [axums, ours] = both!(|socket| {
        let mut socket = socket;
        assert!(socket.recv().await.unwrap().is_err());
    });
    for (app, code) in [(axums, 1006), (ours, 1007)] {
        let mut client = open(app).await.into_inner().await;
        let frame = Frame::message(vec![0xff], OpCode::Data(Data::Text), true);
        client.send(Message::Frame(frame)).await.unwrap();
        let mut closed = 1006;
        while let Some(Ok(message)) = client.next().await {
            if let Message::Close(Some(frame)) = message {
                closed = frame.code.into();
            }
        }
        assert_eq!(closed, code);
    }
}

/// With axum, a dropped half leaves the other: the connection is open as long as either half
/// exists.
#[tokio::test(start_paused = true)]
async fn dropping_a_half_closes() {
    let axums = axums(|socket| {
        Box::pin(async move {
            let (mut sender, receiver) = StreamExt::split(socket);
            drop(receiver);
            sleep(Duration::from_secs(1)).await;
            let _ = sender.send("still here".into()).await;
        })
    });
    let mut client = open(axums).await;
    assert_eq!(client.recv_text().await, "still here");

    let ours = ours(|socket| {
        Box::pin(async move {
            let (sender, receiver) = socket.split();
            drop(receiver);
            sleep(Duration::from_secs(1)).await;
            assert!(sender.send("still here").await.is_err());
        })
    });
    assert_eq!(open(ours).await.closed().await.0, 1000);
}

/// The handler does not receive the pongs either.
#[tokio::test(start_paused = true)]
async fn silent_clients_are_pinged() {
    let [axums, ours] = both!(|socket| {
        let mut socket = socket;
        while let Some(Ok(message)) = socket.recv().await {
            if !matches!(message.to_text(), Ok("end")) {
                let _ = SinkExt::send(&mut socket, format!("{message:?}").into()).await;
            }
        }
    });
    for (app, expected) in [(axums, 0), (ours, 2)] {
        let mut client = open(app).await;
        let deadline = Instant::now() + Duration::from_secs(50);
        let mut pings = 0;
        while let Ok(message) = timeout_at(deadline, client.recv()).await {
            assert!(matches!(message, Some(Ok(Message::Ping(_)))), "{message:?}");
            pings += 1;
        }
        assert_eq!(pings, expected);
        client.close(CloseCode::NORMAL, "").await;
    }
}

/// The peer's Close ends a socket whose handler waits for something else.
#[tokio::test(start_paused = true)]
async fn close_is_answered_while_the_handler_does_not_receive() {
    let [axums, ours] = both!(|socket| {
        let _socket = socket;
        sleep(Duration::from_secs(3600)).await;
    });
    for (app, is_slow) in [(axums, true), (ours, false)] {
        let mut client = open(app).await;
        let start = Instant::now();
        client.close(CloseCode::NORMAL, "").await;
        assert_eq!(start.elapsed() >= Duration::from_secs(3600), is_slow);
    }
}

/// With axum, the response makes the client fail the connection.
#[tokio::test]
async fn subprotocol_that_was_not_offered_is_not_sent() {
    let axums = async |mut ws: axum::extract::ws::WebSocketUpgrade| {
        ws.set_selected_protocol(http::HeaderValue::from_static("chat"));
        ws.on_upgrade(async |_| ())
    };
    let ours = async |mut ws: tower_websocket::axum::WebSocketUpgrade| {
        ws.set_selected_protocol(http::HeaderValue::from_static("chat"));
        ws.on_upgrade(async |_| ())
    };
    // The client of the tests rejects it, as a browser does.
    let axums = Router::new().route("/", any(axums));
    let refused = tokio::spawn(async move { connect(axums, "/").await.map(drop) }).await;
    assert!(refused.unwrap_err().is_panic());
    let client = connect(Router::new().route("/", any(ours)), "/").await.unwrap();
    assert_eq!(client.protocol(), None);
}
