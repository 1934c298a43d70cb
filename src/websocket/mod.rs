//! The open connection (RFC 6455 §5 to §8).
//!
//! ```text
//! WebSocket | Receiver, Sender (n), Driver          what the application holds
//!   └─ Shared ─ Lock<Connection>                    connection/: private fields, the one loop in lock.rs
//!        ├─ Lifecycle, Deadlines (Backlog)          pure tables: what an input changes, what is due when
//!        ├─ Waiters, Users                          who is woken; who receives, sends, drives
//!        ├─ Inbox                                   messages received ahead of the application
//!        ├─ Outbox ─ codec::Encoder                 messages accepted and not written
//!        └─ Link ─ IO, codec::Decoder, Flight       away while a task works with the IO, outside of the lock
//!
//! in    IO → Link::read → Unread → Decoder::decode → Connection::accept → Inbox, or the receiver waiting
//! out   send → Outbox::push (or compressed, outside of the lock) → Encoder → Flight → Link::write → IO
//! ```
//!
//! - Every operation is [`Lock::poll`](connection::Lock): try, do one piece of work outside of the lock, try again, wait.
//! - Whoever polls does the work. A driver does it all; without one, each task that waits does.
//! - The IO and the timer wake the connection, and that wakes its waiters.
//! - What calls foreign code (wakers, destructors, subscribers) is put into `Deferred`, which acts once the lock is released.

mod agreement;
mod background;
mod close_code;
mod close_reason;
mod connection;
mod delivery;
mod driver;
mod ended;
mod handle;
mod into_inner;
mod operations;
mod permit;
mod receiver;
mod rescue;
mod sender;
mod sending;
mod shared;
mod sink;
mod socket;
mod summary;
mod try_send_error;

pub use close_code::{CloseCode, InvalidCloseCode};
pub use close_reason::CloseReason;
pub use driver::Driver;
pub use ended::Ended;
pub use into_inner::IntoInnerError;
pub use receiver::Receiver;
pub use sender::Sender;
pub use socket::WebSocket;
pub use summary::{Summary, Traffic};
pub use try_send_error::TrySendError;

pub(crate) use agreement::Agreement;
pub(crate) use permit::{Permit, PermitError};
