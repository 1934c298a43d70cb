//! The extractor with the configuration of the router's state.

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;

use super::WebSocketUpgrade;
use crate::{config::Config, handshake::HandshakeError};

/// Extracts a [`WebSocketUpgrade`] under the [`Config`] that the router's state has.
///
/// A `Config` in the request's extensions is not looked at. A handler that forgets this extractor
/// and takes a plain [`WebSocketUpgrade`] gets the defaults: where all handlers have the same
/// configuration, `Extension(config)` at the router cannot be forgotten.
///
/// ```
/// use axum::{Router, extract::{FromRef, State}, response::Response, routing::any};
/// use tower_websocket::{Config, axum::ConfigFromState};
///
/// #[derive(Clone)]
/// struct AppState { sockets: Config, greeting: String }
///
/// impl FromRef<AppState> for Config {
///     fn from_ref(state: &AppState) -> Self { state.sockets.clone() }
/// }
///
/// async fn greet(ConfigFromState(ws): ConfigFromState, State(state): State<AppState>) -> Response {
///     ws.on_upgrade(async move |mut socket| drop(socket.send(state.greeting).await))
/// }
///
/// let state = AppState { sockets: Config::new().max_connections(1000), greeting: "hello".into() };
/// let app: Router = Router::new().route("/", any(greet)).with_state(state);
/// ```
#[derive(Debug)]
pub struct ConfigFromState(pub WebSocketUpgrade);

impl<S> FromRequestParts<S> for ConfigFromState
where
    Config: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = HandshakeError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, HandshakeError> {
        WebSocketUpgrade::take(parts, Config::from_ref(state)).map(Self)
    }
}
