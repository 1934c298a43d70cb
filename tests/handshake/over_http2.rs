//! The opening handshake over HTTP/2 (RFC 8441), in memory.

use std::{
    convert::Infallible,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    routing::{any_service, get, get_service},
};
use bytes::Bytes;
use h2::{Reason, client::Builder};
use http::{Method, Request, Response, StatusCode, Version, request};
use http_body::Body;
use http_body_util::{Empty, Full};
use hyper::{body::Incoming, ext::Protocol, server::conn::http2, upgrade::OnUpgrade};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use raw_client::http2::{Client, Stream, connect};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    sync::{Notify, mpsc},
};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};
use tower_websocket::{
    AcceptAll, Acceptor, AllowOrigin, Config, Handshake, Rejection, Shutdown, WebSocketUpgradeLayer,
    handshake::{HandshakeError, HandshakeKind, RejectionBody},
    upgrade::UpgradeRequired,
};

use crate::{
    request::answer,
    server::echo_layer,
    wire::{soon, text_frame},
};

/// Returns a client of `service`, which hyper serves in memory.
pub(crate) async fn in_memory<S, B>(service: S) -> Client
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let (client, server) = duplex(64 * 1024);
    let http = http2::Builder::new(TokioExecutor::new())
        .enable_connect_protocol()
        .serve_connection(TokioIo::new(server), TowerToHyperService::new(service));
    tokio::spawn(http);
    let (mut client, _) = connect(client, &Builder::new()).await;
    soon(client.ready()).await;
    client
}

/// Returns a client of an echo service.
async fn echo() -> Client {
    in_memory(echo_layer().into_service()).await
}

/// Returns the response to `request`, with its body.
async fn respond(client: &Client, request: request::Builder) -> Response<String> {
    let (response, mut stream) = soon(client.send(request, false)).await.response().await.unwrap();
    let mut body = String::new();
    if response.status() != StatusCode::OK {
        soon(stream.read_to_string(&mut body)).await.unwrap();
    }
    response.map(|()| body)
}

async fn echoes(stream: &mut Stream, text: &str) {
    soon(stream.write_all(&text_frame(text))).await.unwrap();
    receives(stream, text).await;
}

async fn receives(stream: &mut Stream, text: &str) {
    let mut echo = vec![0; 2 + text.len()];
    soon(stream.read_exact(&mut echo)).await.unwrap();
    assert_eq!(&echo[2..], text.as_bytes());
}

#[tokio::test]
async fn handshake_service_sees_the_request_and_changes_the_response() {
    let handshake = service_fn(async |request: Request<Handshake>| {
        let seen = (request.method().clone(), request.version(), request.uri().to_string());
        assert_eq!(seen, (Method::CONNECT, Version::HTTP_2, "https://server.example.com/chat?a=b".into()));
        assert_eq!(request.headers()["cookie"], "c=d");
        let mut handshake = request.into_body();
        assert_eq!(handshake.kind(), HandshakeKind::ExtendedConnect);
        assert_eq!(handshake.response().status(), StatusCode::OK);
        assert!(handshake.response().headers().is_empty());
        assert_eq!(handshake.offered_protocols().collect::<Vec<_>>(), ["chat", "superchat"]);
        handshake.select_protocol(["superchat"]);
        let headers = handshake.response_mut().headers_mut();
        for (name, value) in [
            ("x-own", "1"),
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-accept", "x"),
            ("sec-websocket-extensions", "permessage-deflate"),
            ("content-length", "5"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        Ok::<_, Rejection>(handshake.accept("extra"))
    });
    let layer = WebSocketUpgradeLayer::new(handshake, async |mut socket, extra: &'static str| {
        let protocol = socket.protocol().unwrap_or_default().to_owned();
        let _ = socket.send(format!("{extra} {protocol}")).await;
    });
    let client = in_memory(layer.into_service()).await;
    let request = Client::websocket("https://server.example.com/chat?a=b")
        .header("origin", "https://server.example.com")
        .header("sec-websocket-protocol", "chat, superchat")
        .header("sec-websocket-extensions", "permessage-deflate")
        .header("cookie", "c=d");
    let (response, mut stream) = soon(client.send(request, false)).await.response().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let mut names: Vec<_> = response.headers().keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["date", "sec-websocket-protocol", "x-own"]);
    assert_eq!(response.headers()["sec-websocket-protocol"], "superchat");
    receives(&mut stream, "extra superchat").await;
}

#[tokio::test]
async fn key_is_ignored() {
    let client = echo().await;
    for key in ["dGhlIHNhbXBsZSBub25jZQ==", "nonsense"] {
        let request = Client::websocket("http://a/").header("sec-websocket-key", key);
        let (response, mut stream) = soon(client.send(request, false)).await.response().await.unwrap();
        assert!(!response.headers().contains_key("sec-websocket-accept"));
        echoes(&mut stream, "hello").await;
    }
}

#[tokio::test]
async fn each_wrong_request_has_its_response() {
    let client = echo().await;
    let connect = || Client::extended_connect("http://a/", "websocket");
    for (request, status, text) in [
        (connect(), 400, "Version is missing"),
        (connect().header("sec-websocket-version", "8"), 400, "is \"8\""),
        (
            Client::websocket("http://a/").header("sec-websocket-version", "13"),
            400,
            "Version is repeated: \"13, 13\"",
        ),
        (
            Client::websocket("http://a/").header("host", "a b"),
            400,
            "Host is \"a b\", it must be a host and an optional port",
        ),
        (Client::websocket("http://a/").header("host", "b"), 400, "Host is \"b\""),
        (Client::websocket("http://a/").header("host", "a").header("host", "a"), 400, "Host is repeated"),
        (Client::websocket("http://a/").header("content-length", "0"), 400, "no body"),
        (Client::websocket("http://a/").header("origin", "http://b"), 403, "\"http://b\""),
        (Client::websocket("http://a/").header("origin", "null"), 403, "\"null\""),
        // The authority is used, and a `Host` header is ignored.
        (
            Client::websocket("http://a/").header("origin", "http://b").header("host", "b"),
            400,
            "Host is \"b\"",
        ),
    ] {
        let response = respond(&client, request).await;
        assert_eq!(response.status(), status, "{text}");
        assert!(response.body().contains(text), "{:?} should contain {text:?}", response.body());
        let is_of_version = text.contains("Version") || text.starts_with("is ");
        let headers = response.headers();
        assert_eq!(headers.contains_key("sec-websocket-version"), is_of_version, "{text}");
        assert!(!headers.contains_key("upgrade") && !headers.contains_key("connection"), "{headers:?}");
    }
    // The connection is not affected.
    echoes(&mut client.open(Client::websocket("http://a/").header("host", "A:80")).await, "hello").await;
}

/// Responds without hyper, which would remove forbidden headers itself.
#[tokio::test]
async fn responses_have_no_connection_headers() {
    let request = |protocol: Option<&'static str>, method: Method| {
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = "http://a/".parse().unwrap();
        if let Some(protocol) = protocol {
            request.extensions_mut().insert(Protocol::from_static(protocol));
        }
        request
    };
    for (protocol, method, status, allow) in [
        (None, Method::GET, StatusCode::METHOD_NOT_ALLOWED, Some("CONNECT")),
        (None, Method::POST, StatusCode::METHOD_NOT_ALLOWED, Some("CONNECT")),
        (None, Method::CONNECT, StatusCode::NOT_IMPLEMENTED, None),
        (Some("connect-udp"), Method::CONNECT, StatusCode::NOT_IMPLEMENTED, None),
        (Some("websocket"), Method::CONNECT, StatusCode::BAD_REQUEST, None),
    ] {
        let service = echo_layer().into_service();
        let response = answer(service, request(protocol, method.clone())).await;
        assert_eq!(response.status(), status, "{method} {protocol:?}");
        let headers = response.headers();
        assert_eq!(headers.get("allow").map(|allow| allow.to_str().unwrap()), allow);
        assert!(!headers.contains_key("upgrade") && !headers.contains_key("connection"), "{headers:?}");
        let acceptor = Acceptor::new(AcceptAll);
        let error = acceptor.accept_request(request(protocol, method)).await.unwrap_err();
        assert_eq!(error.status(), status, "{error}");
    }
}

#[tokio::test]
async fn origins_are_compared_with_the_authority() {
    let any = echo_layer().with_config(Config::new().allow_origin(AllowOrigin::any()));
    for (layer, origin, status) in [
        (echo_layer(), "https://server.example.com", StatusCode::OK),
        (echo_layer(), "https://server.example.com:8443", StatusCode::FORBIDDEN),
        (echo_layer(), "http://server.example.com", StatusCode::FORBIDDEN),
        (echo_layer(), "https://evil.org", StatusCode::FORBIDDEN),
        (any, "https://evil.org", StatusCode::OK),
    ] {
        let client = in_memory(layer.into_service()).await;
        let request = Client::websocket("https://server.example.com/").header("origin", origin);
        assert_eq!(respond(&client, request).await.status(), status, "{origin}");
    }
}

/// Over HTTP/2, every 2xx opens the WebSocket for the client, and hyper hands over the stream.
#[tokio::test]
async fn only_the_prebuilt_status_opens() {
    let handshake = service_fn(async |request: Request<Handshake>| {
        let status: u16 = request.uri().path()[1..].parse().unwrap();
        let mut handshake = request.into_body();
        *handshake.response_mut().status_mut() = StatusCode::from_u16(status).unwrap();
        let headers = handshake.response_mut().headers_mut();
        headers.insert("connection", "close".parse().unwrap());
        headers.insert("x-own", "1".parse().unwrap());
        Ok::<_, Rejection>(handshake.accept(()))
    });
    let opened = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&opened);
    let layer = WebSocketUpgradeLayer::new(handshake, move |_, ()| {
        counter.fetch_add(1, Ordering::Relaxed);
        async {}
    });
    let client = in_memory(layer.into_service()).await;
    for (status, sent) in [(101, 500), (201, 500), (204, 500), (302, 302), (404, 404), (500, 500)] {
        let response = respond(&client, Client::websocket(&format!("http://a/{status}"))).await;
        assert_eq!(response.status(), sent, "{status}");
        assert_eq!(response.headers()["x-own"], "1");
    }
    assert_eq!(opened.load(Ordering::Relaxed), 0);
    let mut stream = client.open(Client::websocket("http://a/200")).await;
    let mut close = [0; 4];
    soon(stream.read_exact(&mut close)).await.unwrap();
    assert_eq!((close, opened.load(Ordering::Relaxed)), ([0x88, 2, 3, 232], 1));
}

#[tokio::test]
async fn rejection_with_a_success_status_is_500_with_its_body() {
    let handshake = service_fn(async |_: Request<Handshake>| {
        Err::<Response<()>, _>(Rejection::from((StatusCode::OK, "nobody home")))
    });
    let layer = WebSocketUpgradeLayer::new(handshake, async |_, ()| {});
    let response = respond(&in_memory(layer.into_service()).await, Client::websocket("http://a/")).await;
    assert_eq!((response.status().as_u16(), response.body().as_str()), (500, "nobody home"));
}

/// A CONNECT for another purpose reaches the inner service, with everything needed to serve it.
#[tokio::test]
async fn other_protocols_and_plain_connect_reach_the_inner_service() {
    let tunnel = service_fn(async |mut request: Request<Incoming>| {
        let protocol = request.extensions().get::<Protocol>().map(|protocol| protocol.as_str().to_owned());
        let on_upgrade = request.extensions_mut().remove::<OnUpgrade>().expect("it can be upgraded");
        tokio::spawn(async move {
            let mut io = TokioIo::new(on_upgrade.await.unwrap());
            io.write_all(format!("{} {protocol:?}", request.method()).as_bytes()).await.unwrap();
            io.shutdown().await.unwrap();
        });
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let never = service_fn(async |_: Request<Handshake>| -> Result<Response<()>, Rejection> {
        panic!("this is not ours");
    });
    let layer = WebSocketUpgradeLayer::new(never, async |_, ()| {});
    let client = in_memory(layer.layer(tunnel)).await;
    let plain = Request::builder().method(Method::CONNECT).uri("a:80").version(Version::HTTP_2);
    for (request, expected) in [
        (Client::extended_connect("http://a/", "connect-udp"), "CONNECT Some(\"connect-udp\")"),
        (plain, "CONNECT None"),
    ] {
        let mut stream = client.open(request).await;
        let mut seen = String::new();
        soon(stream.read_to_string(&mut seen)).await.unwrap();
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn filter_passes_sockets_to_an_inner_layer() {
    let outer = echo_layer().filter(|parts| parts.uri.path() == "/outer");
    let inner = WebSocketUpgradeLayer::new(AcceptAll, async |mut socket, ()| {
        let _ = socket.send("inner").await;
    });
    let client = in_memory(outer.layer(inner.layer(UpgradeRequired))).await;
    echoes(&mut client.open(Client::websocket("http://a/outer")).await, "hello").await;
    receives(&mut client.open(Client::websocket("http://a/else")).await, "inner").await;
}

/// axum selects a route by its method before a service inside it sees the request.
#[tokio::test]
async fn axum_route_must_accept_connect() {
    let page = || get(async || "page");
    for (router, opens) in [
        (Router::new().route("/ws", page()).layer(echo_layer()), true),
        (Router::new().route("/ws", page()).route_layer(echo_layer()), true),
        (Router::new().route("/ws", page().layer(echo_layer())), true),
        (Router::new().route_service("/ws", echo_layer().into_service()), true),
        (Router::new().route("/ws", any_service(echo_layer().into_service())), true),
        (Router::new().fallback_service(echo_layer().into_service()), true),
        (Router::new().nest_service("/ws", echo_layer().into_service()), true),
        (Router::new().route("/ws", get_service(echo_layer().into_service())), false),
    ] {
        let client = in_memory(router).await;
        let request = Client::websocket("http://a/ws");
        let (response, mut stream) = soon(client.send(request, false)).await.response().await.unwrap();
        assert_eq!(response.status() == StatusCode::OK, opens, "{response:?}");
        if opens {
            echoes(&mut stream, "hello").await;
        }
    }
}

/// The future is dropped, and its permit is free again.
#[tokio::test]
async fn reset_during_the_handshake_service_drops_it() {
    let shutdown = Shutdown::new();
    let (asked, mut was_asked) = mpsc::unbounded_channel();
    let handshake = service_fn(move |request: Request<Handshake>| {
        asked.send(()).unwrap();
        async move {
            if request.uri().path() == "/slow" {
                pending::<()>().await;
            }
            Ok::<_, Rejection>(request.into_body().accept(()))
        }
    });
    let config = Config::new().max_connections(1).with_shutdown(&shutdown);
    let layer = WebSocketUpgradeLayer::new(
        handshake,
        async |mut socket, ()| {
            while let Some(Ok(_)) = socket.recv().await {}
        },
    );
    let client = in_memory(layer.with_config(config).into_service()).await;
    let mut slow = client.send(Client::websocket("http://a/slow"), false).await;
    soon(was_asked.recv()).await.unwrap();
    assert_eq!(shutdown.connections(), 1);
    let response = respond(&client, Client::websocket("http://a/")).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    slow.send.send_reset(Reason::CANCEL);
    soon(shutdown.idle()).await;
    let _open = client.open(Client::websocket("http://a/")).await;
    assert_eq!(shutdown.connections(), 1);
}

/// A reset after the response was made and before it is sent drops the pending socket.
#[tokio::test]
async fn reset_that_crosses_the_response_frees_the_socket() {
    let shutdown = Shutdown::new();
    let layer = echo_layer().with_config(Config::new().with_shutdown(&shutdown));
    let client = in_memory(layer.into_service()).await;
    for _ in 0..100 {
        let mut sent = client.send(Client::websocket("http://a/"), false).await;
        tokio::task::yield_now().await;
        sent.send.send_reset(Reason::CANCEL);
    }
    soon(client.open(Client::websocket("http://a/"))).await;
    soon(shutdown.idle()).await;
}

#[tokio::test]
async fn frames_received_during_the_handshake_service_are_served() {
    let think = Arc::new(Notify::new());
    let thinking = Arc::clone(&think);
    let handshake = service_fn(move |request: Request<Handshake>| {
        let thinking = Arc::clone(&thinking);
        async move {
            thinking.notified().await;
            Ok::<_, Rejection>(request.into_body().accept(()))
        }
    });
    let layer = WebSocketUpgradeLayer::new(handshake, async |mut socket, ()| {
        while let Some(Ok(message)) = socket.recv().await {
            let _ = socket.send(message).await;
        }
    });
    let client = in_memory(layer.into_service()).await;
    let mut sent = client.send(Client::websocket("http://a/"), false).await;
    for text in ["one", "two"] {
        sent.send.send_data(text_frame(text).into(), false).unwrap();
    }
    let third = text_frame("three");
    sent.send.send_data(third[..3].to_vec().into(), false).unwrap();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    think.notify_one();
    let (_, mut stream) = soon(sent.response()).await.unwrap();
    stream.write_all(&third[3..]).await.unwrap();
    for text in ["one", "two", "three"] {
        receives(&mut stream, text).await;
    }
}

#[tokio::test]
async fn shutdown_rejects_new_sockets_with_503() {
    let shutdown = Shutdown::new();
    let layer = echo_layer().with_config(Config::new().with_shutdown(&shutdown));
    let client = in_memory(layer.into_service()).await;
    shutdown.start();
    let response = respond(&client, Client::websocket("http://a/")).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn hyper_service_responds_and_takes_over() {
    let acceptor = Acceptor::new(AcceptAll);
    let service = service_fn(move |request: Request<Incoming>| {
        let acceptor = acceptor.clone();
        async move {
            Ok::<_, Infallible>(match acceptor.accept_request(request).await {
                Ok((response, upgrading)) => {
                    tokio::spawn(async move {
                        let (mut socket, ()) = upgrading.await.unwrap();
                        let _ = socket.send("hello").await;
                        while let Some(Ok(_)) = socket.recv().await {}
                    });
                    response.map(|()| RejectionBody::default())
                }
                Err(refused) => refused.into_response(),
            })
        }
    });
    let client = in_memory(service).await;
    let get = Request::get("http://a/").version(Version::HTTP_2);
    let (response, _) = soon(client.send(get, true)).await.response().await.unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    receives(&mut client.open(Client::websocket("http://a/")).await, "hello").await;
}

#[tokio::test]
async fn server_that_cannot_upgrade_is_500() {
    let service = ServiceExt::<Request<Incoming>>::map_request(
        echo_layer().into_service(),
        |mut request: Request<Incoming>| {
            request.extensions_mut().remove::<OnUpgrade>();
            request
        },
    );
    let response = respond(&in_memory(service).await, Client::websocket("http://a/")).await;
    assert_eq!((response.status().as_u16(), response.body().as_str()), (500, ""));
    let acceptor = Acceptor::new(AcceptAll);
    let mut request = Client::websocket("http://a/").body(Empty::<Bytes>::new()).unwrap();
    request.extensions_mut().insert(Protocol::from_static("websocket"));
    let error = acceptor.accept_request(request).await.unwrap_err();
    assert!(matches!(error, HandshakeError::NotUpgradable), "{error:?}");
}
