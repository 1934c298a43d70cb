//! The extractor for axum's handlers, and axum's extractors in a handshake service. With the
//! feature `axum`.
//!
//! [`WebSocketUpgrade`] stands in for `axum::extract::ws::WebSocketUpgrade`: for most programs the
//! import is all that changes. [The guide](crate::guide::moving_from_axum) lists what behaves
//! differently.
//!
//! ```
//! use axum::{Router, extract::Path, response::Response, routing::any};
//! use tower_websocket::axum::{Message, WebSocket, WebSocketUpgrade};
//!
//! async fn greet(ws: WebSocketUpgrade, Path(name): Path<String>) -> Response {
//!     ws.on_upgrade(|socket| talk(socket, name))
//! }
//!
//! async fn talk(mut socket: WebSocket, name: String) {
//!     while let Some(Ok(message)) = socket.recv().await {
//!         if let Message::Text(text) = message {
//!             if socket.send(format!("{text}, {name}")).await.is_err() { break }
//!         }
//!     }
//! }
//!
//! let app: Router = Router::new().route("/{name}", any(greet));
//! ```
//!
//! - The opening handshake is checked when [`WebSocketUpgrade`] is extracted, with the same rules
//!   as in a [`WebSocketUpgradeLayer`](crate::WebSocketUpgradeLayer). Extractors run from left to
//!   right: where it stands first, a bad handshake is rejected before the others run.
//! - `Extension(config)` at the router sets the [`Config`](crate::Config); [`ConfigFromState`]
//!   takes it from the router's state.
//! - The handler of a socket runs as that of a layer does: it is pinged, drained at a shutdown, and
//!   closed properly.
//! - `any(handler)` serves HTTP/1.1 and HTTP/2, `get(handler)` only HTTP/1.1.
//!
//! [`extracting`] is for those who want a layer instead: it runs axum's extractors in a handshake
//! service.

pub mod close_code;
mod config_from_state;
mod extracting;
mod extractor;
mod rejections;

pub use config_from_state::ConfigFromState;
pub use extracting::{Extracting, extracting};
pub use extractor::WebSocketUpgrade;

pub use crate::websocket::socket::WebSocket;
pub use tungstenite::{Message, Utf8Bytes, protocol::CloseFrame};
