//! The open connection (RFC 6455 §5 to §8).

mod adopt;
mod agreement;
mod closing;
mod connection;
mod delivery;
mod driver;
mod ended;
mod ending;
mod fragments;
mod halves;
mod inner;
mod keepalive;
mod outbox;
mod permit;
mod shared;
mod socket;
mod timer;
#[cfg(feature = "deflate")]
mod uncompressed;
mod upkeep;
mod wakers;

pub use closing::{CloseCode, CloseReason, InvalidCloseCode};
pub use driver::Driver;
pub use ended::Ended;
pub use halves::{Receiver, Sender, TrySendError};
pub use socket::WebSocket;

pub(crate) use agreement::Agreement;
pub(crate) use permit::{Permit, PermitError};
