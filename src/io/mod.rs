//! The IO of a connection, and how a server hands it over.
//!
//! A server that is not hyper's puts a [`PendingIo`] into its requests; a handler finds the
//! socket's options and addresses through [`UpgradedIo`]:
//!
//! ```
//! use tower_websocket::{WebSocket, io::UpgradedIo};
//!
//! async fn handler(mut socket: WebSocket<UpgradedIo>) {
//!     let peer = socket.with_io(|io| io.as_tcp().map(|tcp| tcp.peer_addr())).await;
//!     println!("{peer:?}");
//! }
//! ```

mod pending;
pub(crate) mod read_buffer;
mod rewind;
mod tcp;
mod unread;
mod upgraded_io;

pub use pending::PendingIo;
pub use rewind::Rewind;
pub use upgraded_io::UpgradedIo;

pub(crate) use pending::IoFuture;
pub(crate) use tcp::TcpOptions;
pub(crate) use unread::Unread;
pub(crate) use upgraded_io::UnwrapIo;
