//! What a WebSocket was, once it is over, for metrics and logs.
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

pub(crate) mod id;
mod summary;

pub use summary::{Summary, Traffic};
