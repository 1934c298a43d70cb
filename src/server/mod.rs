//! The standalone server.

mod body;
mod connection;
mod drive;
mod http2;
mod idle;
mod listener;
mod port;
mod ports;
mod requests;
mod run;
mod serve;
mod service;
mod settings;
mod tls;
mod tracked_io;

pub use listener::{Listener, PeerAddr};
pub use serve::{Serve, serve};
pub use service::HttpService;
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError, TlsInfo};
