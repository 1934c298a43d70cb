//! The open connection on real sockets: resets, half-closes, and many sockets at once.

mod broken;
mod many;
#[cfg(feature = "http2")]
mod over_http2;
mod server;
