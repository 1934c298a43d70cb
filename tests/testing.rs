//! The feature `testing`: services driven in memory, and in paused time.
#![cfg(feature = "testing")]

use std::{convert::Infallible, net::SocketAddr, panic::AssertUnwindSafe, pin::pin, time::Duration};

use axum::{Router, routing::get};
use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, StreamExt};
use http::{Request, Response, StatusCode, Uri, Version};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::{
    io::AsyncWriteExt,
    sync::mpsc,
    time::{Instant, sleep},
};
use tower::{BoxError, Layer, ServiceBuilder, service_fn};
use tower_websocket::{
    AcceptAll, CloseCode, Config, Error, Handshake, Message, Rejection, Shutdown, WebSocket,
    WebSocketUpgradeLayer,
    handshake::{ConnectProtocol, HandshakeKind},
    server::PeerAddr,
    testing::{connect, handshake, pair},
};

async fn echo(mut socket: WebSocket, (): ()) {
    while let Some(Ok(message)) = socket.recv().await {
        if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
            break;
        }
    }
}

fn echoing() -> WebSocketUpgradeLayer<AcceptAll, impl Clone + Fn(WebSocket, ()) -> Echo> {
    WebSocketUpgradeLayer::new(AcceptAll, |socket, ()| -> Echo { Box::pin(echo(socket, ())) })
}

type Echo = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

async fn page(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new("page".into()))
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_service_opens_a_socket() {
    let router = Router::new().route("/page", get("page")).layer(echoing());
    let nested = Router::new().nest("/a", Router::new().route_service("/ws", echoing().into_service()));
    let stack = ServiceBuilder::new().timeout(Duration::from_secs(1)).layer(echoing()).service_fn(page);
    for mut client in [
        connect(router, "/").await.unwrap(),
        connect(nested.clone(), "/a/ws?x=1").await.unwrap(),
        connect(nested.clone(), format!("/a/ws?x={}", 1)).await.unwrap(),
        connect(nested, &"/a/ws".to_owned()).await.unwrap(),
        connect(stack, "/").await.unwrap(),
        connect(echoing().layer(service_fn(page)), "http://example.com/ws").await.unwrap(),
        connect(echoing().into_service(), Uri::from_static("/")).await.unwrap(),
        connect(echoing().into_service(), Request::new(())).await.unwrap(),
    ] {
        assert_eq!(client.response().status(), StatusCode::SWITCHING_PROTOCOLS);
        client.send("hello").await.unwrap();
        assert_eq!(client.recv_text().await, "hello");
        assert_eq!(client.close(CloseCode::NORMAL, "done").await, (1000, "done".into()));
    }
}

/// A manual implementation, without this crate.
async fn by_hand(mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>, BoxError> {
    use tokio_tungstenite::{WebSocketStream, tungstenite};
    let key = request.headers()["sec-websocket-key"].as_bytes();
    let accept = tungstenite::handshake::derive_accept_key(key);
    let is_wrong = request.uri().path() == "/wrong";
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let io = hyper_util::rt::TokioIo::new(upgrade.await.unwrap());
        let role = tungstenite::protocol::Role::Server;
        let mut socket = WebSocketStream::from_raw_socket(io, role, None).await;
        while let Some(Ok(message)) = socket.next().await {
            let _ = socket.send(message).await;
        }
    });
    let response = Response::builder()
        .status(101)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-accept", if is_wrong { "something else" } else { &accept });
    Ok(response.body(Full::default())?)
}

#[tokio::test(start_paused = true)]
async fn foreign_service_opens_a_socket() {
    let mut client = connect(service_fn(by_hand), "/").await.unwrap();
    client.send(Message::binary(vec![1, 2])).await.unwrap();
    assert_eq!(client.recv().await.unwrap().unwrap(), Message::binary(vec![1, 2]));
}

#[tokio::test(start_paused = true)]
async fn rejection_arrives_whole() {
    let refusing = service_fn(async |_: Request<Handshake>| {
        let body = "no ".repeat(100_000);
        Err::<Response<()>, _>(Rejection::from((StatusCode::CONFLICT, body)))
    });
    let layer = WebSocketUpgradeLayer::new(refusing, async |_, ()| {});
    // In a task, too.
    let connecting = tokio::spawn(connect(layer.into_service(), "/"));
    let refused = connecting.await.unwrap().unwrap_err();
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    assert_eq!(refused.body().len(), 300_000);
    assert_eq!(refused.response().headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(refused.to_string(), "the service answered with 409 Conflict instead of opening a WebSocket");
    assert_eq!(refused.into_response().body().len(), 300_000);
}

#[tokio::test(start_paused = true)]
async fn request_is_sent_unchanged() {
    for (name, value, status) in [
        ("sec-websocket-version", "8", 426),
        ("sec-websocket-key", "short", 400),
        ("connection", "keep-alive", 426),
        ("origin", "http://localhost:81", 403),
    ] {
        let request = Request::get("/").header(name, value);
        let refused = connect(echoing().into_service(), request).await.unwrap_err();
        assert_eq!(refused.status(), status, "{name}: {value}");
    }
    let same_origin = Request::get("https://a.example/x").header("origin", "https://a.example");
    assert!(connect(echoing().into_service(), same_origin).await.is_ok());
    let refused = connect(echoing().into_service(), Request::post("/")).await.unwrap_err();
    assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test(start_paused = true)]
async fn extensions_reach_the_service() {
    let layer = WebSocketUpgradeLayer::new(
        service_fn(async |request: Request<Handshake>| {
            let peer = request.extensions().get::<PeerAddr>().unwrap().to_string();
            Ok::<_, Rejection>(request.into_body().accept(peer))
        }),
        async |mut socket: WebSocket, peer| drop(socket.send(peer).await),
    );
    let addr = SocketAddr::from(([192, 0, 2, 1], 7));
    let request = Request::get("/").extension(PeerAddr(addr));
    let mut client = connect(layer.into_service(), request).await.unwrap();
    assert_eq!(client.recv_text().await, "192.0.2.1:7");
}

#[tokio::test(start_paused = true)]
async fn subprotocol_is_negotiated() {
    let layer = WebSocketUpgradeLayer::new(
        service_fn(async |request: Request<Handshake>| {
            let mut handshake = request.into_body();
            handshake.select_protocol(["v2", "v1"]);
            Ok::<_, Rejection>(handshake.accept(()))
        }),
        async |_, ()| {},
    );
    let request = Request::get("/").header("sec-websocket-protocol", "v0, v1");
    let client = connect(layer.clone().into_service(), request).await.unwrap();
    assert_eq!(client.protocol(), Some("v1"));
    assert_eq!(connect(layer.into_service(), "/").await.unwrap().protocol(), None);
}

#[tokio::test(start_paused = true)]
async fn close_of_the_server_is_reported() {
    let layer = WebSocketUpgradeLayer::new(AcceptAll, async |mut socket: WebSocket, ()| {
        socket.send("one").await.unwrap();
        match socket.recv().await.unwrap().unwrap().to_text().unwrap() {
            "close" => socket.close(CloseCode::POLICY_VIOLATION, "as asked").await.unwrap(),
            "panic" => panic!("as asked"),
            _ => {}
        }
    });
    for (ask, closed) in [("close", (1008, "as asked")), ("panic", (1011, "")), ("return", (1000, ""))] {
        let mut client = connect(layer.clone().into_service(), "/").await.unwrap();
        client.send(ask).await.unwrap();
        assert_eq!(client.closed().await, (closed.0, closed.1.to_owned()));
        assert!(client.recv().await.is_none());
    }
    let by_hand = service_fn(async |mut request: Request<Incoming>| {
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async { hyper_util::rt::TokioIo::new(upgrade.await.unwrap()).shutdown().await });
        by_hand(request).await
    });
    let mut client = connect(by_hand, "/").await.unwrap();
    assert_eq!(client.closed().await.0, 1006);
}

#[tokio::test(start_paused = true)]
async fn dropped_client_leaves_nothing_behind() {
    let shutdown = Shutdown::new();
    let service = echoing().with_config(Config::new().with_shutdown(&shutdown)).into_service();
    let client = connect(service, "/").await.unwrap();
    assert_eq!(shutdown.connections(), 1);
    drop(client);
    shutdown.idle().await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}

/// Returns the message of a future that must panic.
async fn panic_of(future: impl Future) -> String {
    let payload = AssertUnwindSafe(future).catch_unwind().await.err().expect("it panics");
    payload.downcast_ref::<String>().expect("a text").clone()
}

#[tokio::test(start_paused = true)]
async fn failures_are_named_with_their_place_in_the_test() {
    let line = line!();
    let told = panic_of(connect(service_fn(by_hand), "/wrong")).await;
    assert!(told.starts_with(&format!("{}:{}:", file!(), line + 1)), "{told}");
    assert!(told.contains("Sec-WebSocket-Accept is \"something else\", it must be"), "{told}");

    let failing = service_fn(async |_: Request<Incoming>| {
        Err::<Response<Full<Bytes>>, _>(BoxError::from("the database is on fire"))
    });
    let told = panic_of(connect(failing, "/")).await;
    assert!(told.ends_with("error from user's Service: the database is on fire"), "{told}");

    let mut client = connect(echoing().into_service(), "/").await.unwrap();
    client.send(Message::binary(vec![7])).await.unwrap();
    let told = panic_of(client.recv_text()).await;
    assert!(told.contains("expected a text message, received Binary"), "{told}");

    let silent =
        service_fn(|_: Request<Incoming>| std::future::pending::<Result<Response<Full<Bytes>>, BoxError>>());
    let told = panic_of(connect(silent, "/")).await;
    assert!(told.contains("the service did not answer within a day"), "{told}");
    for request in ["not a path", ""] {
        assert!(std::panic::catch_unwind(|| drop(connect(echoing().into_service(), request))).is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn hopeless_wait_fails_at_once_in_paused_time() {
    let mut client = connect(echoing().into_service(), "/").await.unwrap();
    let told = panic_of(client.recv_text()).await;
    assert!(told.contains("no text message arrived within a day"), "{told}");
    let told = panic_of(client.closed()).await;
    assert!(told.contains("the connection does not end within a day"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn stalled_client_is_disconnected_as_in_real_time() {
    let shutdown = Shutdown::new();
    let service = echoing().with_config(Config::new().with_shutdown(&shutdown)).into_service();
    let start = Instant::now();
    let _client = connect(service, "/").await.unwrap();
    pin!(shutdown.idle()).await;
    // Keepalive: 20 s of silence, a ping, 20 s more.
    assert!(start.elapsed() >= Duration::from_secs(40), "{:?}", start.elapsed());
    assert!(start.elapsed() <= Duration::from_secs(50), "{:?}", start.elapsed());
}

/// The duration was measured with the real clock.
#[tokio::test(start_paused = true)]
async fn summary_measures_paused_time() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let config = Config::new().on_end(move |summary| tell.send(summary.duration).unwrap());
    let mut client = connect(echoing().with_config(config).into_service(), "/").await.unwrap();
    sleep(Duration::from_secs(15)).await;
    assert_eq!(client.close(CloseCode::NORMAL, "").await.0, 1000);
    assert_eq!(told.recv().await.unwrap().as_secs(), 15);
}

#[cfg(feature = "json")]
#[tokio::test(start_paused = true)]
async fn values_are_sent_and_received_as_json() {
    let mut client = connect(echoing().into_service(), "/").await.unwrap();
    client.send_json(&["a", "b"]).await.unwrap();
    assert_eq!(client.recv_json::<Vec<String>>().await, ["a", "b"]);
    client.send("{").await.unwrap();
    assert!(panic_of(client.recv_json::<u32>()).await.ends_with("at line 1 column 0, in {"));
}

async fn enter(request: Request<Handshake>) -> Result<Response<String>, Rejection> {
    let name = request.uri().query().and_then(|query| query.strip_prefix("name="));
    let name = name.ok_or((StatusCode::BAD_REQUEST, "a name is needed"))?.to_owned();
    let mut handshake = request.into_body();
    handshake.select_protocol(["chat"]);
    Ok(handshake.accept(name))
}

#[tokio::test]
async fn handshake_service_is_called_alone() {
    let request = Request::get("/?name=Ada").header("sec-websocket-protocol", "v2, chat");
    let response = enter(handshake(request)).await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
    assert_eq!(response.into_body(), "Ada");

    let response = enter(handshake("/?name=Ada")).await.unwrap();
    assert!(!response.headers().contains_key("sec-websocket-protocol"));

    let rejection = enter(handshake("http://example.com/")).await.unwrap_err();
    assert_eq!(rejection.status(), StatusCode::BAD_REQUEST);
}

#[test]
fn handshake_has_the_requests_head() {
    let request = handshake(Request::get("ws://example.com/a?b").header("cookie", "c=d").extension(7));
    assert_eq!((request.uri().path(), request.uri().query()), ("/a", Some("b")));
    assert_eq!(request.headers()["host"], "example.com");
    assert_eq!(request.headers()["cookie"], "c=d");
    assert_eq!(request.extensions().get(), Some(&7));
    assert_eq!(request.body().kind(), HandshakeKind::Upgrade);

    let connect = Request::connect("https://example.com/a").version(Version::HTTP_2);
    let connect = connect.header("sec-websocket-version", "13").extension(ConnectProtocol::new("websocket"));
    let request = handshake(connect);
    assert_eq!(request.uri(), "https://example.com/a");
    assert!(!request.headers().contains_key("upgrade"));
    assert_eq!(request.body().kind(), HandshakeKind::ExtendedConnect);
    assert_eq!(request.body().response().status(), StatusCode::OK);
}

#[test]
fn request_that_no_service_would_get_panics_at_the_call() {
    for (request, reason) in [
        (Request::get("/").header("sec-websocket-version", "8"), "Sec-WebSocket-Version is \"8\""),
        (Request::post("/"), "handshake must be GET, not POST"),
        (Request::get("/").header("upgrade", "h2c"), "Upgrade is \"h2c\""),
        (Request::connect("https://a/").version(Version::HTTP_2), "must have the :protocol websocket"),
    ] {
        let panicked = std::panic::catch_unwind(AssertUnwindSafe(|| handshake(request))).unwrap_err();
        let message = panicked.downcast_ref::<String>().unwrap();
        assert!(message.starts_with("tests/testing.rs:") && message.contains(reason), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn handler_is_called_alone() {
    async fn greet(mut socket: WebSocket, name: &str) -> Result<u32, Error> {
        let mut count = 0;
        while let Some(message) = socket.recv_data().await {
            socket.send(format!("{}, {name}", message?)).await?;
            count += 1;
        }
        Ok(count)
    }
    let (socket, mut client) = pair();
    assert_eq!((socket.protocol(), client.protocol()), (None, None));
    let handler = tokio::spawn(socket.drive(|socket| greet(socket, "Ada")));
    client.send("hello").await.unwrap();
    assert_eq!(client.recv_text().await, "hello, Ada");
    assert_eq!(client.close(CloseCode::NORMAL, "").await, (1000, String::new()));
    assert_eq!(handler.await.unwrap().unwrap().unwrap(), 1);

    let (socket, client) = pair();
    let handler = tokio::spawn(socket.drive(|socket| greet(socket, "Ada")));
    drop(client);
    let error = handler.await.unwrap().unwrap().unwrap_err();
    assert!(error.to_string().contains("without closing handshake"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn pair_needs_no_driver_and_pings_its_client() {
    let (mut socket, mut client) = pair();
    let echo = async {
        while let Some(Ok(message)) = socket.recv_data().await {
            socket.send(message).await.unwrap();
        }
    };
    let talk = async {
        assert!(matches!(client.recv().await, Some(Ok(Message::Ping(_)))));
        client.send("x".repeat(1_000_000)).await.unwrap();
        assert_eq!(client.recv_text().await.len(), 1_000_000);
        client.close(CloseCode::NORMAL, "").await
    };
    assert_eq!(tokio::join!(echo, talk).1, (1000, String::new()));
}
