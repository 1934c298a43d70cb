//! The standalone server.

mod activity;
mod connection;
mod listener;
mod port;
#[cfg(feature = "http2")]
mod preface;
mod requests;
mod serve;
mod service;
mod settings;
#[cfg(feature = "http2")]
mod streams;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "tls")]
mod tls_info;
mod waiting;

pub use listener::{Listener, PeerAddr};
pub use serve::{Serve, serve};
pub use service::HttpService;
#[cfg(feature = "tls")]
pub use tls::{Tls, TlsError};
#[cfg(feature = "tls")]
pub use tls_info::TlsInfo;
