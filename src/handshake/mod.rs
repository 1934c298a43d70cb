//! The opening handshake (RFC 6455 §4): values to values, no IO.

mod accept_all;
mod body;
mod error;
mod key;
mod origin;
mod protocol;
mod rejection;
mod request;
mod response;
mod service;

pub use accept_all::AcceptAll;
pub use body::Handshake;
pub use error::HandshakeError;
pub use origin::AllowOrigin;
pub use rejection::Rejection;
pub use service::HandshakeService;

pub(crate) use request::{UpgradeRequest, is_upgrade};
pub(crate) use service::{Accepted, ask};
