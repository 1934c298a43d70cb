//! The layer's service, its future and body, and what its handlers return.
//!
//! [`WebSocketUpgradeLayer`](crate::WebSocketUpgradeLayer) is in the crate's root; this module has
//! the types that it makes. They are named seldom:
//!
//! ```
//! use axum::Router;
//! use tower_websocket::{HandshakeService, WebSocketUpgradeLayer, upgrade::WebSocketUpgrade};
//!
//! struct Site<H, F> {
//!     chat: WebSocketUpgrade<Router, H, F>,
//! }
//! ```

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
