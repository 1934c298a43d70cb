//! Measurements of a WebSocket that has ended, for metrics and logs.
//!
//! ```
//! use std::sync::atomic::{AtomicU64, Ordering};
//! use tower_websocket::{Config, metrics::Summary};
//!
//! static SENT: AtomicU64 = AtomicU64::new(0);
//!
//! let config = Config::new().on_end(|summary: &Summary| {
//!     SENT.fetch_add(summary.sent.bytes, Ordering::Relaxed);
//! });
//! ```
//!
//! - [`Config::on_end`](crate::Config::on_end) calls a function with the [`Summary`] of each
//!   socket.
//! - [`Traffic`] counts the messages and bytes of one direction.
//! - To count rejected handshakes, use their
//!   [`HandshakeErrorKind`](crate::handshake::HandshakeErrorKind).

pub(crate) mod id;
mod summary;

pub use summary::{Summary, Traffic};
