//! The IO of a connection, and buffers for what is read.

mod pending;
pub(crate) mod read_buffer;
mod rewind;
mod tcp;
mod unread;
mod upgraded;

pub use pending::PendingIo;
pub use rewind::Rewind;
pub use upgraded::Upgraded;

pub(crate) use pending::PendingUpgraded;
pub(crate) use tcp::TcpOptions;
pub(crate) use unread::Unread;
pub(crate) use upgraded::UnwrapIo;
