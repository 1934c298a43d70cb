//! The bytes below tungstenite.

mod frames;
mod read_buffer;
mod rewind;
mod transport;
mod unread;
mod upgraded;

pub use rewind::Rewind;
pub use transport::Transport;
pub use upgraded::Upgraded;
