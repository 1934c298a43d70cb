//! The open connection (RFC 6455 §5 to §8): everything except [`WebSocket`],
//! [`Sender`](crate::Sender) and [`Receiver`](crate::Receiver), which are exported from the crate's
//! root.
//!
//! ```
//! use tower_websocket::{Sender, websocket::TrySendError};
//!
//! /// Returns `false` if the peer is stalled or the connection is closed.
//! fn publish(sender: &Sender, event: &str) -> bool {
//!     match sender.try_send(event) {
//!         Ok(()) => true,
//!         Err(TrySendError::Full(_)) => sender.stalled().is_none(),
//!         Err(_) => false,
//!     }
//! }
//! ```
//!
//! - [`Chunks`] is a message that is received in chunks, such as one that is larger than memory.
//! - [`ByteStream`] is a socket as `AsyncRead + AsyncWrite`; [`ByteReader`] and [`ByteWriter`] are
//!   its halves.
//! - [`Driver`] runs a handler and maintains its connection meanwhile.
//! - [`WeakSender`] sends without keeping the connection open.
//! - [`WebSocketId`] identifies a socket, for example as the key of a registry.
//! - [`TrySendError`] and [`IntoInnerError`] are the errors of
//!   [`try_send`](crate::Sender::try_send) and [`into_inner`](WebSocket::into_inner).

// WebSocket | Receiver, Sender (n), Driver    the handles that the application holds
//   └─ Shared ─ Lock<Connection>              connection/: private fields, the loop in lock.rs
//        ├─ Lifecycle, Deadlines (Backlog)    pure tables of states and of times
//        ├─ Waiters, Users                    who is woken; who receives, sends, drives
//        ├─ Turn (Cork, Budget)               whether the handler is polled; what waits for that
//        ├─ Inbox                             messages that the application has not taken
//        ├─ Outbox ─ codec::Encoder           messages accepted and not yet written
//        └─ Link ─ IO, codec::Decoder, Flight taken out while a task does IO, without the lock
//
// in    IO → Link::read → Unread → Decoder::decode → Connection::accept → Inbox, or the receiver
// out   send → Outbox::push (compressed outside of the lock) → Encoder → Flight → Link::write → IO
//
// - Every operation that waits is `Lock::poll`: try, do one piece of work outside of the lock, try
//   again, wait.
// - The task that polls does the work. A driver does all of it; without a driver, each waiting task
//   does.
// - The IO and the timer wake the connection, which wakes its waiters.
// - Calls to foreign code (wakers, destructors, subscribers) are collected in `Deferred`, which
//   makes them once the lock is released.

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
pub(crate) use negotiated::Negotiated;
pub(crate) use recipient::{Posted, Recipient, SenderGuard};
pub(crate) use socket::WebSocket;
