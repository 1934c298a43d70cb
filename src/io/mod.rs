//! The bytes below tungstenite.

mod frames;
mod message;
mod pending;
mod read_buffer;
mod rewind;
mod tcp;
mod transport;
mod unread;
mod upgraded;
mod write_buffer;

pub use pending::PendingIo;
pub use rewind::Rewind;
pub use transport::Transport;
pub use upgraded::Upgraded;

pub(crate) use pending::PendingUpgraded;
pub(crate) use tcp::TcpOptions;
pub(crate) use upgraded::UnwrapIo;
