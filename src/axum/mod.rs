//! The extractor for axum's handlers, and axum's extractors in a handshake service.
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
//! - [`WebSocketUpgrade`] replaces `axum::extract::ws::WebSocketUpgrade`. In most programs, only
//!   the import changes. [The guide](crate::guide::moving_from_axum) lists the differences in
//!   behaviour.
//! - The extractor checks the opening handshake, with the same rules as a
//!   [`WebSocketUpgradeLayer`](crate::WebSocketUpgradeLayer). Extractors run from left to right: if
//!   this one is the first, an invalid handshake is rejected before the others run.
//! - `Extension(config)` on the router sets the [`Config`](crate::Config). [`ConfigFromState`]
//!   takes it from the router's state.
//! - Sockets have the same features as those of a layer: keepalive, graceful shutdown, and a
//!   complete closing handshake.
//! - `any(handler)` accepts WebSockets over HTTP/1.1 and HTTP/2, `get(handler)` only over HTTP/1.1.
//! - [`extracting`] runs axum's extractors in a handshake service, for use with a layer.

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
