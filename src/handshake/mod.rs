//! The opening handshake: requests, responses, and the reasons for rejecting a request (RFC 6455
//! §4, RFC 8441 §5).
//!
//! ```
//! use http::Response;
//! use tower_websocket::handshake::HandshakeErrorKind;
//!
//! fn count<B>(response: &Response<B>) {
//!     if let Some(kind) = response.extensions().get::<HandshakeErrorKind>() {
//!         println!("rejected: {kind}, {}", response.status());
//!     }
//! }
//! ```
//!
//! - [`Handshake`], [`HandshakeService`], [`handshake_fn()`](crate::handshake_fn()), [`AcceptAll`],
//!   [`Rejection`], [`AllowOrigin`] and [`AllowHost`] are in the crate's root.
//! - A request is rejected with a [`HandshakeError`]. Every response that rejects a handshake has a
//!   [`HandshakeErrorKind`] in its extensions, for metrics and logs.
//! - A client reports an invalid response with a [`ResponseError`].

pub(crate) mod accept_all;
pub(crate) mod allow_host;
pub(crate) mod allow_origin;
mod authority;
pub(crate) mod body;
mod connect_protocol;
mod error;
mod error_kind;
pub(crate) mod handshake_fn;
mod invalid_entry;
mod key;
mod kind;
mod offer;
mod origin;
mod pattern;
mod protocol;
pub(crate) mod rejection;
mod rejection_body;
mod request;
mod response;
mod response_error;
pub(crate) mod service;

pub use connect_protocol::ConnectProtocol;
pub use error::HandshakeError;
pub use error_kind::HandshakeErrorKind;
pub use handshake_fn::HandshakeFn;
pub use invalid_entry::InvalidEntry;
pub use kind::HandshakeKind;
pub use rejection_body::RejectionBody;
pub use response_error::ResponseError;

pub(crate) use accept_all::AcceptAll;
pub(crate) use allow_host::AllowHost;
pub(crate) use allow_origin::AllowOrigin;
#[cfg(any(test, feature = "server"))]
pub(crate) use authority::OverTls;
pub(crate) use body::Handshake;
pub(crate) use key::accept as accept_key;
pub(crate) use offer::Offer;
#[cfg(feature = "axum")]
pub(crate) use protocol::Offered;
pub(crate) use rejection::Rejection;
pub(crate) use request::{UpgradeRequest, kind_of};
pub(crate) use response::NegotiatedHeaders;
pub(crate) use service::{Accepted, HandshakeService, ask};
