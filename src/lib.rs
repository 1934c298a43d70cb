//! WebSockets as tower middleware.
//!
//! A [`WebSocketUpgradeLayer`] upgrades WebSocket requests and forwards every other request to the
//! inner service unchanged. The same handshake also runs as an axum extractor, as a server on a
//! port, and on any `AsyncRead + AsyncWrite` stream.
//!
#![cfg_attr(feature = "server", doc = "```no_run")]
#![cfg_attr(not(feature = "server"), doc = "```ignore")]
//! use tokio::net::TcpListener;
//! use tower_websocket::{Error, WebSocket, WebSocketUpgradeLayer, serve};
//!
//! async fn echo(mut socket: WebSocket) -> Result<(), Error> {
//!     while let Some(message) = socket.recv_data().await {
//!         socket.send(message?).await?;
//!     }
//!     Ok(())
//! }
//!
//! #[tokio::main]
//! async fn main() -> std::io::Result<()> {
//!     let service = WebSocketUpgradeLayer::accept_all(echo).into_service();
//!     serve(TcpListener::bind("127.0.0.1:9001").await?, service).await
//! }
//! ```
#![doc = include_str!("front_page.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

pub mod accept;
#[cfg(feature = "axum")]
pub mod axum;
pub mod close;
mod codec;
mod config;
pub mod connect;
mod deflate;
#[cfg(any(doc, doctest))]
#[cfg_attr(docsrs, doc(auto_cfg = false))]
pub mod guide;
pub mod handshake;
mod header;
mod http1;
pub mod io;
#[cfg(feature = "json")]
pub mod json;
pub mod metrics;
pub mod rooms;
#[cfg(feature = "server")]
pub mod server;
mod shutdown;
#[cfg(feature = "testing")]
pub mod testing;
mod trace;
pub mod upgrade;
pub mod websocket;

pub use accept::acceptor::Acceptor;
pub use close::code::CloseCode;
pub use config::Config;
pub use connect::connector::Connector;
#[cfg(feature = "deflate")]
pub use deflate::Deflate;
pub use handshake::{
    accept_all::AcceptAll, allow_host::AllowHost, allow_origin::AllowOrigin, body::Handshake,
    handshake_fn::handshake_fn, rejection::Rejection, service::HandshakeService,
};
#[cfg(feature = "server")]
pub use server::serve::serve;
#[cfg(feature = "tls")]
pub use server::serve::serve_tls;
pub use shutdown::Shutdown;
pub use upgrade::layer::WebSocketUpgradeLayer;
pub use websocket::{receiver::Receiver, sender::Sender, socket::WebSocket};

#[cfg(feature = "tls")]
pub use tokio_rustls::rustls;
pub use tungstenite::{self, Error, Message, Utf8Bytes, protocol::CloseFrame};

// The README's programs need the features `axum` and `server`.
#[cfg(all(doctest, feature = "axum", feature = "server"))]
#[doc = include_str!("../README.md")]
mod readme {}
