//! axum's extractors in a handshake service.

use axum::{
    Extension, Router,
    extract::{FromRef, FromRequestParts, MatchedPath, Path, Query, State},
};
use http::{Request, Response, StatusCode, request::Parts};
use tower_websocket::{
    Handshake, Rejection, WebSocket, WebSocketUpgradeLayer, axum::extracting, testing::connect,
};

#[derive(Clone)]
struct AppState {
    secret: Secret,
    greeting: &'static str,
}

#[derive(Clone)]
struct Secret(&'static str);

impl FromRef<AppState> for Secret {
    fn from_ref(state: &AppState) -> Self {
        state.secret.clone()
    }
}

/// The claims that a program extracts from a token.
struct Claims(String);

impl<S> FromRequestParts<S> for Claims
where
    Secret: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let token = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
        let token = token.ok_or((StatusCode::UNAUTHORIZED, "no token"))?;
        let name =
            token.strip_prefix(Secret::from_ref(state).0).ok_or((StatusCode::FORBIDDEN, "bad token"))?;
        Ok(Self(name.to_owned()))
    }
}

const STATE: AppState = AppState { secret: Secret("secret-"), greeting: "welcome" };

async fn say(mut socket: WebSocket, text: String) {
    let _ = socket.send(text).await;
}

#[tokio::test]
async fn extractors_run_with_the_state_and_in_order() {
    type Extracted = (Path<u32>, Claims, State<AppState>, MatchedPath, Extension<&'static str>);
    let handshake = extracting(
        STATE,
        async |(Path(room), Claims(name), State(state), path, Extension(word)): Extracted,
               mut handshake: Handshake| {
            if room == 0 {
                return Err((StatusCode::NOT_FOUND, "no such room").into());
            }
            handshake.select_protocol(["chat"]);
            Ok(handshake.accept(format!("{} to {room} of {}, {name}{word}", state.greeting, path.as_str())))
        },
    );
    let sockets = WebSocketUpgradeLayer::new(handshake, say).into_service();
    let app = Router::new().route_service("/rooms/{room}", sockets).layer(Extension("!"));
    let ask = |path: &str, token: &str| {
        let request = Request::get(path).header("sec-websocket-protocol", "chat");
        connect(app.clone(), if token.is_empty() { request } else { request.header("authorization", token) })
    };

    let mut client = ask("/rooms/7", "secret-Ada").await.unwrap();
    assert_eq!(client.protocol(), Some("chat"));
    assert_eq!(client.recv_text().await, "welcome to 7 of /rooms/{room}, Ada!");

    for (path, token, status, text) in [
        ("/rooms/x", "", StatusCode::BAD_REQUEST, "Invalid URL"),
        ("/rooms/7", "", StatusCode::UNAUTHORIZED, "no token"),
        ("/rooms/7", "other-Ada", StatusCode::FORBIDDEN, "bad token"),
        ("/rooms/0", "secret-Ada", StatusCode::NOT_FOUND, "no such room"),
    ] {
        let refused = ask(path, token).await.unwrap_err();
        assert_eq!(refused.status(), status, "{path} {token}");
        assert!(refused.body().starts_with(text.as_bytes()), "{refused:?}");
    }
}

#[tokio::test]
async fn one_extractor_needs_no_tuple_and_none_needs_no_state() {
    #[derive(serde::Deserialize)]
    struct Params {
        name: String,
    }
    async fn handshake(
        Query(params): Query<Params>,
        handshake: Handshake,
    ) -> Result<Response<String>, Rejection> {
        Ok(handshake.accept(params.name))
    }
    let layer = WebSocketUpgradeLayer::new(extracting((), handshake), say);
    let mut client = connect(layer.clone().into_service(), "/?name=Ada").await.unwrap();
    assert_eq!(client.recv_text().await, "Ada");
    let refused = connect(layer.into_service(), "/").await.unwrap_err();
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
}
