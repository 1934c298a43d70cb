//! Where the extractor finds its configuration.

use std::time::Duration;

use axum::{
    Extension, Router,
    extract::{FromRef, State},
    response::{IntoResponse, Response},
    routing::any,
};
use http::{Request, StatusCode, request::Builder};
use tower_websocket::{
    AllowOrigin, CloseCode, Config, Shutdown,
    axum::{ConfigFromState, WebSocket, WebSocketUpgrade},
    testing::{Client, Rejected, connect},
};

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
            break;
        }
    }
}

async fn upgrade(ws: WebSocketUpgrade) -> Response {
    ws.on_upgrade(echo)
}

fn from(origin: &str) -> Builder {
    Request::get("/").header("origin", origin)
}

fn allowing(origin: &str) -> Config {
    Config::new().allow_origin(AllowOrigin::list([origin]).unwrap())
}

async fn status(app: &Router, request: Builder) -> u16 {
    connect(app.clone(), request).await.map_or_else(|refused| refused.status().as_u16(), |_| 101)
}

/// Returns the code with which a client that sends `bytes` in one message is closed, or 1000.
async fn closed_after(app: Router, bytes: usize) -> u16 {
    let mut client = connect(app, "/").await.unwrap();
    client.send(vec![0; bytes]).await.unwrap();
    match client.recv().await.unwrap().unwrap() {
        tower_websocket::Message::Close(Some(frame)) => frame.code.into(),
        _ => client.close(CloseCode::NORMAL, "").await.0,
    }
}

#[tokio::test]
async fn extension_of_the_router_is_the_configuration() {
    let config = allowing("https://example.com").max_message_size(4);
    let app = Router::new().route("/", any(upgrade)).layer(Extension(config));
    assert_eq!(status(&app, from("https://example.com")).await, 101);
    assert_eq!(status(&app, from("http://localhost")).await, 403);
    assert_eq!(closed_after(app.clone(), 4).await, 1000);
    assert_eq!(closed_after(app, 5).await, 1009);
}

#[tokio::test]
async fn innermost_extension_is_used() {
    let inner = Router::new().route("/", any(upgrade)).layer(Extension(allowing("https://inner.example")));
    let app = inner.layer(Extension(allowing("https://outer.example")));
    assert_eq!(status(&app, from("https://inner.example")).await, 101);
    assert_eq!(status(&app, from("https://outer.example")).await, 403);
}

#[tokio::test]
async fn defaults_are_used_without_an_extension() {
    let app = Router::new().route("/", any(upgrade));
    assert_eq!(status(&app, from("http://localhost")).await, 101);
    assert_eq!(status(&app, from("https://example.com")).await, 403);
    assert_eq!(closed_after(app.clone(), 1 << 20).await, 1000);
    assert_eq!(closed_after(app, (1 << 20) + 1).await, 1009);
}

#[derive(Clone)]
struct AppState {
    sockets: Config,
    greeting: &'static str,
}

impl FromRef<AppState> for Config {
    fn from_ref(state: &AppState) -> Self {
        state.sockets.clone()
    }
}

#[tokio::test]
async fn state_may_contain_the_configuration() {
    async fn greet(ConfigFromState(ws): ConfigFromState, State(state): State<AppState>) -> Response {
        ws.on_upgrade(async move |mut socket| drop(socket.send(state.greeting).await))
    }
    let sockets = allowing("https://example.com").max_connections(1);
    // An extension is ignored.
    let app = Router::new().route("/", any(greet)).layer(Extension(allowing("https://outer.example")));
    let app = app.with_state(AppState { sockets, greeting: "hello" });
    assert_eq!(status(&app, from("https://outer.example")).await, 403);
    let mut client = connect(app.clone(), from("https://example.com")).await.unwrap();
    assert_eq!(status(&app, from("https://example.com")).await, 503);
    assert_eq!(client.recv_text().await, "hello");
}

#[tokio::test]
async fn setters_of_the_extractor_change_only_one_handler() {
    async fn large(ws: WebSocketUpgrade) -> Response {
        ws.max_message_size(2 << 20).max_frame_size(2 << 20).on_upgrade(echo)
    }
    async fn small(ws: WebSocketUpgrade) -> Response {
        ws.max_message_size(8).max_frame_size(6).max_write_buffer_size(1 << 16).on_upgrade(echo)
    }
    let routes =
        || Router::new().route("/", any(upgrade)).layer(Extension(Config::new().max_message_size(7)));
    assert_eq!(closed_after(routes(), 8).await, 1009);
    let large = Router::new().route("/", any(large)).layer(Extension(Config::new().max_message_size(7)));
    assert_eq!(closed_after(large.clone(), 2 << 20).await, 1000);
    assert_eq!(closed_after(large, (2 << 20) + 1).await, 1009);
    assert_eq!(closed_after(Router::new().route("/", any(small)), 6).await, 1000);
    assert_eq!(closed_after(Router::new().route("/", any(small)), 7).await, 1009);
    assert_eq!(closed_after(routes(), 7).await, 1000);
}

/// Two checks: with the configuration of the router during extraction, then with the handler's own.
#[tokio::test]
async fn with_config_checks_again() {
    async fn narrow(ws: WebSocketUpgrade) -> Response {
        ws.with_config(allowing("https://a.example").max_message_size(4)).on_upgrade(echo)
    }
    let both = AllowOrigin::list(["https://a.example", "https://b.example"]).unwrap();
    let app = Router::new().route("/", any(narrow)).layer(Extension(Config::new().allow_origin(both)));
    assert_eq!(status(&app, from("https://a.example")).await, 101);
    assert_eq!(status(&app, from("https://b.example")).await, 403);
    assert_eq!(status(&app, from("https://c.example")).await, 403);
    assert_eq!(closed_after(app, 5).await, 1009);

    // A request that was rejected during extraction cannot be accepted later.
    async fn wide(ws: WebSocketUpgrade) -> Response {
        ws.with_config(Config::new().allow_origin(AllowOrigin::any())).on_upgrade(echo)
    }
    let app = Router::new().route("/", any(wide));
    assert_eq!(status(&app, from("https://a.example")).await, 403);
}

/// Uses a clone of the same `Config`, whose only permit the request already has.
#[tokio::test]
async fn with_config_does_not_take_a_second_permit() {
    async fn again(Extension(config): Extension<Config>, ws: WebSocketUpgrade) -> Response {
        ws.with_config(config.max_message_size(4)).on_upgrade(echo)
    }
    let app = Router::new().route("/", any(again)).layer(Extension(Config::new().max_connections(1)));
    let client = connect(app.clone(), "/").await.unwrap();
    assert_eq!(status(&app, Request::get("/")).await, 503);
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn max_connections_counts_all_handlers_and_is_freed() {
    async fn refuse(_: WebSocketUpgrade) -> StatusCode {
        StatusCode::UNAUTHORIZED
    }
    let shutdown = Shutdown::new();
    let config = Config::new().max_connections(1).with_shutdown(&shutdown);
    let app =
        Router::new().route("/", any(upgrade)).route("/other", any(upgrade)).route("/refuse", any(refuse));
    let app = app.layer(Extension(config));
    // A handler that responds with something else frees its permit.
    for _ in 0..2 {
        assert_eq!(status(&app, Request::get("/refuse")).await, 401);
    }
    let mut client = connect(app.clone(), "/").await.unwrap();
    assert_eq!(status(&app, Request::get("/other")).await, 503);
    assert_eq!(shutdown.connections(), 1);
    client.close(CloseCode::NORMAL, "").await;
    shutdown.idle().await;
    assert_eq!(status(&app, Request::get("/other")).await, 101);
}

#[tokio::test(start_paused = true)]
async fn shutdown_closes_its_sockets_and_rejects_new_ones() {
    let shutdown = Shutdown::new();
    let config = Config::new().with_shutdown(&shutdown);
    let app = Router::new().route("/", any(upgrade)).layer(Extension(config));
    let connected: Result<Client, Rejected> = connect(app.clone(), "/").await;
    let mut client = connected.unwrap();
    shutdown.start();
    assert_eq!(client.closed().await.0, 1001);
    assert_eq!(shutdown.drain(Duration::from_secs(1)).await, 0);
    assert_eq!(status(&app, Request::get("/")).await, 503);
}

#[cfg(feature = "deflate")]
#[tokio::test]
async fn compression_is_negotiated() {
    use tower::ServiceExt;
    use tower_websocket::Deflate;

    let app = Router::new().route("/", any(upgrade)).layer(Extension(Config::new().deflate(Deflate::new())));
    let agreed = async |app: Router| {
        let request = Request::get("/")
            .header("host", "a")
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("sec-websocket-extensions", "permessage-deflate")
            .extension(hyper::upgrade::on(Request::new(())));
        let response = app.oneshot(request.body(String::new()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        response.headers().get("sec-websocket-extensions").cloned()
    };
    assert_eq!(agreed(app).await.unwrap(), "permessage-deflate");
    assert_eq!(agreed(Router::new().route("/", any(upgrade))).await, None);
}

#[tokio::test]
async fn other_responses_pass_unchanged() {
    async fn page(ws: Option<WebSocketUpgrade>) -> Response {
        assert!(ws.is_some());
        (StatusCode::PAYMENT_REQUIRED, "pay first").into_response()
    }
    let refused = connect(Router::new().route("/", any(page)), "/").await.unwrap_err();
    assert_eq!((refused.status(), &**refused.body()), (StatusCode::PAYMENT_REQUIRED, &b"pay first"[..]));
}
