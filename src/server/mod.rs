//! The standalone server.

mod connection;
mod listener;
mod serve;

pub use listener::{Listener, PeerAddr};
pub use serve::{Serve, serve};
