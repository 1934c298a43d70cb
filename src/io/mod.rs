//! The bytes below tungstenite.

mod frames;
mod message;
mod read_buffer;
mod rewind;
mod transport;
mod unread;
mod upgraded;
mod write_buffer;

pub use rewind::Rewind;
pub use transport::Transport;
pub use upgraded::Upgraded;

pub(crate) use upgraded::Unwrap;
