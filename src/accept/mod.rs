//! The opening handshake without a layer, on a raw stream or for a single request.
//!
//! ```
//! use tokio::net::TcpStream;
//! use tower_websocket::{AcceptAll, Acceptor, accept::AcceptErrorKind};
//!
//! async fn serve(io: TcpStream) {
//!     match Acceptor::new(AcceptAll).accept(io).await {
//!         Ok((mut socket, ())) => drop(socket.send("hello").await),
//!         Err(error) => {
//!             if let AcceptErrorKind::Handshake(error) = error.kind() {
//!                 println!("rejected: {error}");
//!             }
//!             let _ = error.respond().await;
//!         }
//!     }
//! }
//! ```
//!
//! - [`Acceptor`] is in the crate's root. This module contains its future and its errors.
//! - [`Acceptor::accept`] opens a WebSocket on a raw stream. If it fails, the [`AcceptError`]
//!   contains the stream.
//! - [`Acceptor::accept_request`] accepts the request of an HTTP server. The [`PendingUpgrade`]
//!   then resolves to the WebSocket.

pub(crate) mod acceptor;
mod admission;
#[cfg(feature = "axum")]
mod checked_request;
mod error;
mod header_case;
mod pending_upgrade;
mod respond;

pub use error::{AcceptError, AcceptErrorKind};
pub use pending_upgrade::{PendingUpgrade, UpgradeError};

pub(crate) use acceptor::{Acceptor, reject};
#[cfg(feature = "axum")]
pub(crate) use checked_request::CheckedRequest;
