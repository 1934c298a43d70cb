//! Tests of `on_upgrade`.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use axum::{Router, response::Response, routing::any};
use http::{HeaderValue, Request, StatusCode, header::SET_COOKIE};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    sync::oneshot,
};
use tower::{ServiceExt, service_fn};
use tower_websocket::{
    accept::UpgradeError,
    axum::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code},
    testing::connect,
};

/// The head of a valid handshake.
const HEAD: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

async fn upgrade(ws: WebSocketUpgrade) -> Response {
    ws.on_upgrade(async |mut socket| drop(socket.send("hello").await))
}

/// How a handler selects a subprotocol.
type Choose = fn(WebSocketUpgrade) -> WebSocketUpgrade;

#[tokio::test]
async fn subprotocols_are_selected_from_the_offer() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let app = |choose: Choose| {
        let seen = Arc::clone(&seen);
        let handler = async move |ws: WebSocketUpgrade| {
            *seen.lock().unwrap() = ws.requested_protocols().cloned().collect();
            choose(ws).on_upgrade(async |mut socket: WebSocket| {
                let protocol = socket.protocol().unwrap_or("none").to_owned();
                drop(socket.send(protocol).await);
            })
        };
        Router::new().route("/", any(handler))
    };
    fn set(mut ws: WebSocketUpgrade, protocol: &'static str) -> WebSocketUpgrade {
        ws.set_selected_protocol(HeaderValue::from_static(protocol));
        assert_eq!(ws.selected_protocol().unwrap(), protocol);
        ws
    }
    let cases: [(Choose, Option<&str>); 6] = [
        (|ws| ws, None),
        (|ws| ws.protocols(["wamp", "soap"]), Some("wamp")),
        (|ws| ws.protocols(["other".to_owned()]), None),
        // The later call replaces the earlier one, even without a match.
        (|ws| ws.protocols(["wamp"]).protocols(["other"]), None),
        (|ws| set(ws, "soap"), Some("soap")),
        // It was not offered: the client would have to fail the connection.
        (|ws| set(ws, "other"), None),
    ];
    for (i, (choose, expected)) in cases.into_iter().enumerate() {
        let request = Request::get("/").header("sec-websocket-protocol", "soap, wamp");
        let mut client = connect(app(choose), request).await.unwrap();
        assert_eq!(client.protocol(), expected, "{i}");
        assert_eq!(client.recv_text().await, expected.unwrap_or("none"), "{i}");
        assert_eq!(*seen.lock().unwrap(), ["soap", "wamp"]);
    }
}

#[tokio::test]
async fn response_may_get_headers() {
    async fn cookie(ws: WebSocketUpgrade) -> impl axum::response::IntoResponse {
        ([(SET_COOKIE, "seen=1")], upgrade(ws).await)
    }
    let mut client = connect(Router::new().route("/", any(cookie)), "/").await.unwrap();
    assert_eq!(client.response().headers()[SET_COOKIE], "seen=1");
    assert_eq!(client.recv_text().await, "hello");
}

#[tokio::test]
async fn close_frames_use_axums_codes_and_reasons() {
    async fn away(ws: WebSocketUpgrade) -> Response {
        ws.on_upgrade(async |mut socket| {
            let frame = CloseFrame { code: close_code::AWAY, reason: "bye".into() };
            let _ = socket.send(Message::Close(Some(frame))).await;
        })
    }
    let mut client = connect(Router::new().route("/", any(away)), "/").await.unwrap();
    assert_eq!(client.closed().await, (1001, "bye".into()));
}

/// The numbers and names are axum's.
#[test]
fn codes_have_axums_numbers() {
    use axum::extract::ws::close_code as axums;
    for (ours, axums) in [
        (close_code::NORMAL, axums::NORMAL),
        (close_code::AWAY, axums::AWAY),
        (close_code::PROTOCOL, axums::PROTOCOL),
        (close_code::UNSUPPORTED, axums::UNSUPPORTED),
        (close_code::STATUS, axums::STATUS),
        (close_code::ABNORMAL, axums::ABNORMAL),
        (close_code::INVALID, axums::INVALID),
        (close_code::POLICY, axums::POLICY),
        (close_code::SIZE, axums::SIZE),
        (close_code::EXTENSION, axums::EXTENSION),
        (close_code::ERROR, axums::ERROR),
        (close_code::RESTART, axums::RESTART),
        (close_code::AGAIN, axums::AGAIN),
    ] {
        assert_eq!(u16::from(ours), axums);
    }
}

#[tokio::test]
async fn handler_panic_closes_with_1011() {
    async fn panic(ws: WebSocketUpgrade) -> Response {
        ws.on_upgrade(async |_| panic!("in the handler"))
    }
    let mut client = connect(Router::new().route("/", any(panic)), "/").await.unwrap();
    assert_eq!(client.closed().await.0, 1011);
}

/// Returns a router that reports failed upgrades, and the receiver of the reports.
fn failing() -> (Router, oneshot::Receiver<UpgradeError>) {
    let (sender, told) = oneshot::channel();
    let sender = Arc::new(Mutex::new(Some(sender)));
    let handler = async move |ws: WebSocketUpgrade| {
        let sender = sender.lock().unwrap().take().unwrap();
        ws.on_failed_upgrade(|error| sender.send(error).unwrap())
            .on_upgrade(async |_| unreachable!("nothing is upgraded"))
    };
    (Router::new().route("/", any(handler)), told)
}

#[tokio::test(start_paused = true)]
async fn failing_handler_closes_with_1011() {
    async fn fail(ws: WebSocketUpgrade) -> Response {
        ws.on_upgrade(async |mut socket| {
            let message = socket.recv().await.ok_or("it is open")?;
            socket.send(message.map_err(|_| "it is text")?).await.map_err(|_| "it is open")?;
            Err("the database is down")
        })
    }
    let mut client = connect(Router::new().route("/", any(fail)), "/").await.unwrap();
    client.send("hello").await.unwrap();
    assert_eq!(client.recv_text().await, "hello");
    let close = client.recv().await.unwrap().unwrap();
    assert!(
        matches!(close, Message::Close(Some(frame)) if u16::from(frame.code) == 1011 && frame.reason.is_empty())
    );
}

#[tokio::test]
async fn callback_reports_a_server_that_does_not_upgrade() {
    let (app, told) = failing();
    let (mut client, server) = duplex(4096);
    tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(server), TowerToHyperService::new(app)));
    client.write_all(HEAD.as_bytes()).await.unwrap();
    assert!(matches!(told.await.unwrap(), UpgradeError::NotSupported(_)));
}

#[tokio::test]
async fn callback_reports_a_response_that_is_not_returned() {
    let (app, told) = failing();
    let service = service_fn(move |request: Request<Incoming>| {
        let app = app.clone();
        async move {
            let _ = app.oneshot(request).await;
            Ok::<_, Infallible>(
                http::Response::builder().status(StatusCode::CONFLICT).body(String::new()).unwrap(),
            )
        }
    });
    assert_eq!(connect(service, "/").await.unwrap_err().status(), StatusCode::CONFLICT);
    let error = told.await.unwrap();
    assert!(matches!(error, UpgradeError::NotHandedOver(_)), "{error:?}");
}

/// On the wire, with a handler below this crate's server.
#[tokio::test]
async fn extractor_opens_below_serve() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let upgrade = async |ws: WebSocketUpgrade| {
        ws.on_upgrade(async |mut socket| {
            let _ = socket.send("hello").await;
            let _ = socket.recv().await;
        })
    };
    let server = tower_websocket::serve(listener, Router::new().route("/", any(upgrade)));
    let shutdown = server.shutdown().clone();
    tokio::spawn(server.into_future());
    let mut client = tokio::net::TcpStream::connect(addr).await.unwrap();
    client.write_all(HEAD.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\x81\x05hello") {
        assert!(client.read_buf(&mut answer).await.unwrap() > 0, "{}", answer.escape_ascii());
    }
    // The server's own shutdown counts it, without configuration.
    assert_eq!(shutdown.connections(), 1);
    client.write_all(&raw_client::frame(raw_client::whole::TEXT, b"done")).await.unwrap();
    while !answer.ends_with(b"\x81\x05hello\x88\x02\x03\xe8") {
        assert!(client.read_buf(&mut answer).await.unwrap() > 0, "{}", answer.escape_ascii());
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"), "{}", answer.escape_ascii());
    drop(client);
    shutdown.idle().await;
}
