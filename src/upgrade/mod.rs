//! The layer and its service: what a tower stack sees.

mod body;
mod future;
mod layer;
mod service;
mod stream_handler;
mod task;
mod upgrade_required;

pub use body::ResponseBody;
pub use future::ResponseFuture;
pub use layer::WebSocketUpgradeLayer;
pub use service::WebSocketUpgrade;
pub use stream_handler::stream_handler;
pub use upgrade_required::UpgradeRequired;

#[cfg(feature = "axum")]
pub(crate) use task::UpgradeTask;
