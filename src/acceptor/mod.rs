//! From a request or a raw stream to an open WebSocket; the layer is built on it.

mod accept;
mod admission;
#[cfg(feature = "axum")]
mod checked_request;
mod encode;
mod error;
mod head;
mod header_case;
mod respond;
mod upgrading;

pub use accept::Acceptor;
pub use error::{AcceptError, AcceptErrorKind};
pub use upgrading::{UpgradeError, Upgrading};

pub(crate) use accept::refuse;
#[cfg(feature = "axum")]
pub(crate) use checked_request::CheckedRequest;
