//! A client on an HTTP/2 stream (RFC 8441).

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::{
    client::conn::http2::{self as client, SendRequest},
    server::conn::http2,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use tokio::{
    io::duplex,
    time::{sleep, timeout},
};
use tower::service_fn;
use tower_websocket::{
    CloseCode, Config, Connector, Handshake, Message, Rejection, WebSocket, WebSocketUpgradeLayer,
    connect::{ConnectErrorKind, RequestError},
    handshake::ResponseError,
};

type Sender = SendRequest<Empty<Bytes>>;

/// Returns a connection of a client with hyper's windows to a hyper server.
async fn connection(config: Config, is_enabled: bool) -> Sender {
    connection_of(&client::Builder::new(TokioExecutor::new()), config, is_enabled).await
}

async fn connection_of(client: &client::Builder<TokioExecutor>, config: Config, is_enabled: bool) -> Sender {
    let handshake = service_fn(async |request: Request<Handshake>| {
        match request.uri().path() {
            "/no" => return Err(Rejection::from((StatusCode::FORBIDDEN, "not today"))),
            "/never" => std::future::pending::<()>().await,
            _ => {}
        }
        let target = format!("{} {:?}", request.uri(), request.headers().get("host"));
        let mut handshake = request.into_body();
        handshake.select_protocol(["chat"]);
        Ok(handshake.accept(target))
    });
    let echo = async |mut socket: WebSocket, target: String| {
        let is_flood = target.contains("/flood");
        let _ = socket.send(target).await;
        while is_flood && socket.send(vec![0; 30_000]).await.is_ok() {}
        while let Some(Ok(message)) = socket.recv_data().await {
            if socket.send(message).await.is_err() {
                break;
            }
        }
    };
    let service = WebSocketUpgradeLayer::new(handshake, echo).with_config(config).into_service();
    let (near, far) = duplex(64 * 1024);
    let mut builder = http2::Builder::new(TokioExecutor::new());
    if is_enabled {
        builder.enable_connect_protocol();
    }
    tokio::spawn(builder.serve_connection(TokioIo::new(far), TowerToHyperService::new(service)));
    let (mut sender, connection) = client.handshake(TokioIo::new(near)).await.unwrap();
    tokio::spawn(connection);
    sender.ready().await.unwrap();
    sender
}

fn request(uri: &str) -> Request<()> {
    Request::get(uri).body(()).unwrap()
}

#[tokio::test]
async fn many_sockets_share_a_connection() {
    let mut sender = connection(Config::new(), true).await;
    let connector = Connector::new().protocol("chat");
    let mut sockets = Vec::new();
    for i in 0..20 {
        let uri = format!("ws://server.example.com/{i}");
        let (mut socket, response) = connector.connect_http2(request(&uri), &mut sender).await.unwrap();
        assert_eq!((response.status(), socket.protocol()), (StatusCode::OK, Some("chat")));
        let target = format!("http://server.example.com/{i} None");
        assert_eq!(socket.recv_data().await.unwrap().unwrap(), Message::text(target));
        sockets.push(socket);
    }
    let large = Message::binary(vec![7; 300_000]);
    for socket in &mut sockets {
        for message in [Message::text("hello"), large.clone()] {
            socket.send(message.clone()).await.unwrap();
            assert!(socket.recv_data().await.unwrap().unwrap() == message);
        }
    }
    for mut socket in sockets {
        socket.close(CloseCode::NORMAL, "").await.unwrap();
        assert!(socket.close_info().unwrap().is_clean());
    }
}

#[tokio::test]
async fn host_header_becomes_the_authority() {
    let mut sender = connection(Config::new(), true).await;
    let request = Request::get("wss://a/x?y").header("host", "b:1").body(()).unwrap();
    let (mut socket, _) = Connector::new().connect_http2(request, &mut sender).await.unwrap();
    assert_eq!(socket.recv_data().await.unwrap().unwrap(), Message::text("https://b:1/x?y None"));
    assert_eq!(socket.protocol(), None);
}

#[cfg(feature = "deflate")]
#[tokio::test]
async fn messages_are_compressed() {
    use tower_websocket::Deflate;
    let config = || Config::new().deflate(Deflate::new().context_takeover(true));
    let mut sender = connection(config(), true).await;
    let connector = Connector::new().with_config(config());
    let (mut socket, response) = connector.connect_http2(request("ws://a/"), &mut sender).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-extensions"], "permessage-deflate");
    assert!(socket.recv_data().await.is_some());
    for _ in 0..3 {
        socket.send("x".repeat(10_000)).await.unwrap();
        assert_eq!(socket.recv_data().await.unwrap().unwrap().len(), 10_000);
    }
}

#[tokio::test]
async fn rejection_has_its_body_and_the_connection_continues() {
    let mut sender = connection(Config::new(), true).await;
    let connector = Connector::new();
    let error = connector.connect_http2(request("ws://a/no"), &mut sender).await.unwrap_err();
    let status = StatusCode::FORBIDDEN;
    assert!(matches!(error.kind(), ConnectErrorKind::Response(ResponseError::Status(its)) if *its == status));
    assert_eq!(error.response().unwrap().status(), status);
    let (_, response) = error.into_parts();
    let body = response.unwrap().into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "not today");
    assert!(connector.connect_http2(request("ws://a/"), &mut sender).await.is_ok());
}

#[tokio::test]
async fn impossible_request_is_an_error() {
    let config = Config::new().handshake_timeout(Duration::from_millis(300));
    let connector = Connector::new().with_config(config);
    let mut sender = connection(Config::new(), true).await;
    let error = connector.connect_http2(request("ws://a/never"), &mut sender).await.unwrap_err();
    assert!(matches!(error.kind(), ConnectErrorKind::TimedOut(_)), "{error}");
    for uri in ["/x", "ftp://a/"] {
        let error = connector.connect_http2(request(uri), &mut sender).await.unwrap_err();
        assert!(matches!(error.kind(), ConnectErrorKind::Request(RequestError::InvalidScheme(_))), "{error}");
    }
    let mut sender = connection(Config::new(), false).await;
    let connecting = connector.connect_http2(request("ws://a/"), &mut sender);
    let error = timeout(Duration::from_secs(5), connecting).await.unwrap().unwrap_err();
    assert!(matches!(error.kind(), ConnectErrorKind::Http2(_)), "{error}");
}

/// With the windows of the example of `connect_http2`. With hyper's own, three such sockets occupy
/// the connection's whole window.
#[tokio::test(start_paused = true)]
async fn unread_sockets_do_not_stall_others() {
    let mut client = client::Builder::new(TokioExecutor::new());
    client.initial_stream_window_size(64 * 1024).initial_connection_window_size(16 * 1024 * 1024);
    let mut sender = connection_of(&client, Config::new(), true).await;
    let mut unread = Vec::new();
    for _ in 0..3 {
        let request = request("ws://localhost/flood");
        unread.push(Connector::new().connect_http2(request, &mut sender).await.unwrap());
    }
    // This time passes once nothing moves any more.
    sleep(Duration::from_secs(1)).await;
    let echoed = timeout(Duration::from_secs(1), async {
        let request = request("ws://localhost/");
        let (mut socket, _) = Connector::new().connect_http2(request, &mut sender).await.unwrap();
        socket.recv_data().await.unwrap().unwrap();
        socket.send("hello").await.unwrap();
        socket.recv_data().await.unwrap().unwrap()
    });
    assert_eq!(echoed.await.expect("it stalls"), Message::text("hello"));
}
