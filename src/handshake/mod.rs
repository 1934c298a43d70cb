//! The opening handshake (RFC 6455 §4, RFC 8441 §5): values to values, no IO.

mod accept_all;
mod allow_host;
mod allow_origin;
mod authority;
mod body;
mod cause;
mod connect_protocol;
mod error;
mod handshake_fn;
mod invalid_entry;
mod key;
mod opening;
mod origin;
mod pattern;
mod protocol;
mod rejection;
mod rejection_body;
mod request;
mod response;
mod service;

pub use accept_all::AcceptAll;
pub use allow_host::AllowHost;
pub use allow_origin::AllowOrigin;
pub use body::Handshake;
pub use cause::RefusalCause;
pub use connect_protocol::ConnectProtocol;
pub use error::HandshakeError;
pub use handshake_fn::{HandshakeFn, handshake_fn};
pub use invalid_entry::InvalidEntry;
pub use opening::Opening;
pub use rejection::Rejection;
pub use rejection_body::RejectionBody;
pub use service::HandshakeService;

#[cfg(feature = "axum")]
pub(crate) use protocol::Offered;
pub(crate) use request::UpgradeRequest;
pub(crate) use service::{Accepted, ask};
