//! The extractor with the configuration from the router's state.

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;

use super::WebSocketUpgrade;
use crate::{config::Config, handshake::HandshakeError};

/// Extracts a [`WebSocketUpgrade`] with the [`Config`] from the router's state.
///
/// A `Config` in the request's extensions is ignored.
///
/// A handler that takes a plain [`WebSocketUpgrade`] by mistake gets the default configuration. If
/// all handlers use the same configuration, prefer `Extension(config)` on the router, which cannot
/// be forgotten.
///
/// # Examples
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
/// async fn greet(ws: ConfigFromState, State(state): State<AppState>) -> Response {
///     ws.0.on_upgrade(async move |mut socket| drop(socket.send(state.greeting).await))
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
