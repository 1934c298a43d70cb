//! The open connection on real sockets: resets, half-closes, and many at once.

mod broken;
#[cfg(feature = "http2")]
#[path = "../http2/mod.rs"]
mod http2;
mod many;
#[cfg(feature = "http2")]
mod over_http2;
mod server;
