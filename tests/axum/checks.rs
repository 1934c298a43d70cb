//! The checks of the extractor.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    extract::{FromRequestParts, Path},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::any,
};
use http::{Request, StatusCode, Version, request::Parts};
use http_body_util::BodyExt;
use tower::ServiceExt;
use tower_websocket::{
    CloseCode,
    axum::{WebSocket, WebSocketUpgrade},
    handshake::{HandshakeError, HandshakeErrorKind},
    testing::connect,
};

async fn greet(mut socket: WebSocket) {
    let _ = socket.send("hello").await;
}

async fn upgrade(ws: WebSocketUpgrade) -> Response {
    ws.on_upgrade(greet)
}

fn app() -> Router {
    Router::new().route("/", any(upgrade))
}

/// Returns the response to a handshake that was not sent over a connection, so it cannot be
/// upgraded.
async fn answer(request: http::request::Builder) -> (StatusCode, String) {
    let response = app().oneshot(request.body(String::new()).unwrap()).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.into()).unwrap())
}

#[tokio::test]
async fn valid_handshake_opens() {
    let mut client = connect(app(), "/").await.unwrap();
    assert_eq!(client.recv_text().await, "hello");
    assert_eq!(client.closed().await.0, 1000);
}

/// Requests for something other than a WebSocket, and malformed ones, get the responses of a
/// layer's `into_service`.
#[tokio::test]
async fn each_wrong_request_has_its_response() {
    let asks = || {
        Request::get("/")
            .header("host", "a")
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
    };
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    for (request, status, text) in [
        (Request::get("/"), 426, "WebSocket"),
        (Request::post("/").header("host", "a"), 426, "WebSocket"),
        (asks(), 400, "Sec-WebSocket-Key is missing"),
        (asks().header("sec-websocket-key", "abc"), 400, "Sec-WebSocket-Key is \"abc\""),
        (asks().header("sec-websocket-key", key).method("POST"), 405, "GET, not POST"),
        (asks().header("sec-websocket-key", key).version(Version::HTTP_10), 426, "HTTP/1.0"),
        // The request is valid, but cannot be upgraded.
        (asks().header("sec-websocket-key", key), 500, ""),
    ] {
        let (answered, body) = answer(request).await;
        assert_eq!(answered.as_u16(), status, "{body}");
        assert!(
            body.contains(text) && body.is_empty() == text.is_empty(),
            "{body:?} should contain {text:?}"
        );
    }
}

#[tokio::test]
async fn foreign_origin_is_rejected_with_the_cause_for_metrics() {
    let request = Request::get("/").header("origin", "https://evil.example");
    let refused = connect(app(), request).await.unwrap_err();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(refused.body().starts_with(b"the origin \"https://evil.example\" is not allowed"));

    async fn cause(response: Response) -> (StatusCode, &'static str) {
        let cause = response.extensions().get::<HandshakeErrorKind>().unwrap();
        (StatusCode::IM_A_TEAPOT, cause.as_str())
    }
    let caused = app().layer(map_response(cause));
    let request = Request::get("/").header("origin", "https://evil.example");
    assert_eq!(connect(caused, request).await.unwrap_err().body(), "forbidden_origin");
}

static EXTRACTED: AtomicUsize = AtomicUsize::new(0);

struct Counted;

impl<S: Sync> FromRequestParts<S> for Counted {
    type Rejection = StatusCode;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        EXTRACTED.fetch_add(1, Ordering::Relaxed);
        Ok(Self)
    }
}

#[tokio::test]
async fn malformed_handshake_is_rejected_before_later_extractors_run() {
    async fn counted(ws: WebSocketUpgrade, _: Counted) -> Response {
        ws.on_upgrade(greet)
    }
    let app = Router::new().route("/", any(counted));
    let request = Request::get("/").header("origin", "https://evil.example");
    assert_eq!(connect(app.clone(), request).await.unwrap_err().status(), StatusCode::FORBIDDEN);
    assert_eq!(EXTRACTED.load(Ordering::Relaxed), 0);
    assert_eq!(connect(app, "/").await.unwrap().recv_text().await, "hello");
    assert_eq!(EXTRACTED.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn handler_may_take_the_rejection() {
    async fn told(ws: Result<WebSocketUpgrade, HandshakeError>) -> Response {
        match ws {
            Ok(ws) => ws.on_upgrade(greet),
            Err(error) => (StatusCode::IM_A_TEAPOT, error.to_string()).into_response(),
        }
    }
    let app = Router::new().route("/", any(told));
    let refused = connect(app.clone(), Request::get("/").header("sec-websocket-version", "8")).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.status(), StatusCode::IM_A_TEAPOT);
    assert!(refused.body().starts_with(b"Sec-WebSocket-Version is \"8\""), "{refused:?}");
    assert_eq!(connect(app, "/").await.unwrap().recv_text().await, "hello");
}

#[tokio::test]
async fn optional_extractor_passes_ordinary_requests_to_the_handler() {
    async fn both(ws: Option<WebSocketUpgrade>) -> Response {
        ws.map_or_else(|| "a page".into_response(), |ws| ws.on_upgrade(greet))
    }
    let app = Router::new().route("/", any(both));
    let page = app.clone().oneshot(Request::new(axum::body::Body::empty())).await.unwrap();
    assert_eq!(page.into_body().collect().await.unwrap().to_bytes(), "a page");
    assert_eq!(connect(app.clone(), "/").await.unwrap().recv_text().await, "hello");
    let bad = connect(app, Request::get("/").header("sec-websocket-key", "abc")).await;
    assert_eq!(bad.unwrap_err().status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn request_is_extracted_once() {
    async fn twice(first: WebSocketUpgrade, second: Result<WebSocketUpgrade, HandshakeError>) -> Response {
        assert!(matches!(second, Err(HandshakeError::NotUpgradable)));
        first.on_upgrade(greet)
    }
    let app = Router::new().route("/", any(twice));
    assert_eq!(connect(app, "/").await.unwrap().recv_text().await, "hello");
}

/// A rejected request keeps its IO, so that another extractor can take it.
#[tokio::test]
async fn rejected_request_can_be_upgraded_by_another_extractor() {
    async fn other(
        ws: Result<WebSocketUpgrade, HandshakeError>,
        theirs: axum::extract::ws::WebSocketUpgrade,
    ) -> Response {
        assert!(matches!(ws, Err(HandshakeError::ForbiddenOrigin { .. })));
        theirs.on_upgrade(async |mut socket| drop(socket.send("theirs".into()).await))
    }
    let app = Router::new().route("/", any(other));
    let request = Request::get("/").header("origin", "https://evil.example");
    assert_eq!(connect(app, request).await.unwrap().recv_text().await, "theirs");
}

#[tokio::test]
async fn router_without_its_state_may_have_sockets() {
    #[derive(Clone)]
    struct AppState(Arc<str>);

    async fn named(
        ws: WebSocketUpgrade,
        Path(name): Path<String>,
        axum::extract::State(state): axum::extract::State<AppState>,
    ) -> Response {
        ws.on_upgrade(async move |mut socket| drop(socket.send(format!("{}, {name}", state.0)).await))
    }
    fn routes() -> Router<AppState> {
        Router::new().route("/{name}", any(named))
    }
    let app: Router = Router::new().nest("/greet", routes()).with_state(AppState("hello".into()));
    let mut client = connect(app, "/greet/Ada").await.unwrap();
    assert_eq!(client.recv_text().await, "hello, Ada");
    assert_eq!(client.close(CloseCode::NORMAL, "").await.0, 1000);
}

#[test]
fn extractor_may_be_held_across_an_await() {
    fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<WebSocketUpgrade>();
}
