//! The open connection (RFC 6455 §5 to §8).

mod closing;
mod connection;
mod driver;
mod fragments;
mod halves;
mod keepalive;
mod shared;
mod socket;
mod timer;

pub use closing::{CloseCode, CloseReason, InvalidCloseCode};
pub use driver::Driver;
pub use halves::{Receiver, Sender, TrySendError};
pub use socket::WebSocket;
