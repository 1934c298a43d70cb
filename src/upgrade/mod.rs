//! The types behind the layer: its service, future and body, and the output of handlers.
//!
//! ```
//! use axum::Router;
//! use tower_websocket::upgrade::WebSocketUpgrade;
//!
//! struct Site<H, F> {
//!     chat: WebSocketUpgrade<Router, H, F>,
//! }
//! ```
//!
//! - [`WebSocketUpgradeLayer`](crate::WebSocketUpgradeLayer) is in the crate's root. Its types
//!   rarely need to be named.
//! - [`HandlerOutput`] is implemented for the types that a handler can return.
//! - [`stream_handler`] runs a handler that takes tokio-tungstenite's stream.

mod body;
mod future;
mod handler_output;
pub(crate) mod layer;
mod reported;
mod service;
mod stream_handler;
mod task;
mod upgrade_required;

pub use body::ResponseBody;
pub use future::ResponseFuture;
pub use handler_output::HandlerOutput;
pub use service::WebSocketUpgrade;
pub use stream_handler::stream_handler;
pub use upgrade_required::UpgradeRequired;

#[cfg(feature = "axum")]
pub(crate) use task::UpgradeTask;
