//! The open connection on real sockets: resets, half-closes, and many at once.

mod broken;
mod many;
mod server;
