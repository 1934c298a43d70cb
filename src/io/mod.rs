//! The IO of a connection, and how a server hands it over.
//!
//! ```
//! use tower_websocket::{WebSocket, io::UpgradedIo};
//!
//! async fn handler(mut socket: WebSocket<UpgradedIo>) {
//!     let peer = socket.with_io(|io| io.as_tcp().map(|tcp| tcp.peer_addr())).await;
//!     println!("{peer:?}");
//! }
//! ```
//!
//! - [`UpgradedIo`] is the IO of a WebSocket behind an HTTP server. It gives access to the socket's
//!   options and addresses.
//! - [`PendingIo`] is a request extension by which servers other than hyper's hand over their IO.
//! - [`Rewind`] is an IO with bytes that were already read from it.

mod pending;
mod read_buffer;
mod rewind;
mod tcp;
mod unread;
mod upgraded_io;

pub use pending::PendingIo;
pub use rewind::Rewind;
pub use upgraded_io::UpgradedIo;

pub(crate) use pending::IoFuture;
pub(crate) use read_buffer::ReadBuffer;
pub(crate) use tcp::{TcpOptions, send_with_fin};
pub(crate) use unread::Unread;
pub(crate) use upgraded_io::{Held, HoldIo, UnwrapIo};
