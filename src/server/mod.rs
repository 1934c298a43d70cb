//! The standalone server behind [`serve`](crate::serve()).
//!
//! ```no_run
//! use std::time::Duration;
//! use tokio::net::TcpListener;
//! use tower_websocket::{WebSocketUpgradeLayer, serve, server::PeerAddr};
//!
//! # async fn run() -> std::io::Result<()> {
//! let service = WebSocketUpgradeLayer::accept_all(async |mut socket| {
//!     let _ = socket.send("hello").await;
//! })
//! .filter(|request| {
//!     let peer = request.extensions.get::<PeerAddr>();
//!     peer.is_some_and(|peer| peer.0.ip().is_loopback())
//! })
//! .into_service();
//! serve(TcpListener::bind("127.0.0.1:8080").await?, service)
//!     .drain_timeout(Duration::from_secs(5))
//!     .await
//! # }
//! ```
//!
//! - [`serve`](crate::serve()) and `serve_tls` take a [`Listener`] and an [`HttpService`].
//! - [`Serve`] has the settings: timeouts, limits, more listeners, graceful shutdown.
//! - [`PeerAddr`] and, with TLS, `TlsInfo` are extensions of each request.

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
pub(crate) mod serve;
mod service;
mod settings;
mod tls;
mod tracked_io;

pub use listener::{Listener, PeerAddr};
pub use serve::Serve;
pub use service::HttpService;
#[cfg(feature = "tls")]
pub use tls::{TlsConfig, TlsError, TlsInfo};
