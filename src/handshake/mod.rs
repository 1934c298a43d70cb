//! The opening handshake (RFC 6455 §4, RFC 8441 §5): values to values, no IO.

mod accept_all;
mod authority;
mod body;
mod cause;
mod connect_protocol;
mod error;
mod key;
mod opening;
mod origin;
mod protocol;
mod rejection;
mod request;
mod response;
mod service;

pub use accept_all::AcceptAll;
pub use body::Handshake;
pub use cause::RefusalCause;
pub use connect_protocol::ConnectProtocol;
pub use error::HandshakeError;
pub use opening::Opening;
pub use origin::AllowOrigin;
pub use rejection::Rejection;
pub use service::HandshakeService;

pub(crate) use request::UpgradeRequest;
pub(crate) use response::Settled;
pub(crate) use service::{Accepted, ask};
