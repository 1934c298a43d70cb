//! What the open connection has besides [`WebSocket`], [`Sender`](crate::Sender) and
//! [`Receiver`](crate::Receiver), which are in the crate's root (RFC 6455 §5 to §8).
//!
//! ```
//! use tower_websocket::{Sender, websocket::TrySendError};
//!
//! /// Returns whether the peer keeps up.
//! fn publish(sender: &Sender, event: &str) -> bool {
//!     match sender.try_send(event) {
//!         Ok(()) => true,
//!         Err(TrySendError::Full(_)) => sender.stalled().is_none(),
//!         Err(_) => false,
//!     }
//! }
//! ```

// WebSocket | Receiver, Sender (n), Driver    what the application holds
//   └─ Shared ─ Lock<Connection>              connection/: private fields, the one loop in lock.rs
//        ├─ Lifecycle, Deadlines (Backlog)    pure tables: what an input changes, what is due when
//        ├─ Waiters, Users                    who is woken; who receives, sends, drives
//        ├─ Inbox                             messages received ahead of the application
//        ├─ Outbox ─ codec::Encoder           messages accepted and not written
//        └─ Link ─ IO, codec::Decoder, Flight away while a task works with the IO, without the lock
//
// in    IO → Link::read → Unread → Decoder::decode → Connection::accept → Inbox, or the receiver
// out   send → Outbox::push (compressed outside of the lock) → Encoder → Flight → Link::write → IO
//
// - Every operation is `Lock::poll`: try, do one piece of work outside of the lock, try again,
//   wait.
// - Whoever polls does the work. A driver does it all; without one, each task that waits does.
// - The IO and the timer wake the connection, and that wakes its waiters.
// - What calls foreign code (wakers, destructors, subscribers) is put into `Deferred`, which acts
//   once the lock is released.

mod background;
mod broadcast;
mod bytes;
mod chunks;
mod connection;
mod connection_guard;
mod delivery;
mod driver;
mod failure_report;
mod handle;
mod into_inner;
mod masking_key;
mod negotiated;
mod operations;
pub(crate) mod receiver;
mod recipient;
mod rescue;
mod send_chunks;
pub(crate) mod sender;
mod sending;
mod shared;
mod sink;
pub(crate) mod socket;
mod try_send_error;
mod weak_sender;

pub use bytes::{ByteReader, ByteStream, ByteWriter};
pub use chunks::Chunks;
pub use driver::Driver;
pub use into_inner::IntoInnerError;
pub use try_send_error::TrySendError;
pub use weak_sender::WeakSender;

pub use crate::metrics::id::WebSocketId;

pub(crate) use broadcast::Broadcast;
pub(crate) use connection_guard::{ConnectionGuard, GuardError};
pub(crate) use failure_report::FailureReport;
pub(crate) use negotiated::Negotiated;
pub(crate) use recipient::{Posted, Recipient, SenderSeat};
pub(crate) use socket::WebSocket;
