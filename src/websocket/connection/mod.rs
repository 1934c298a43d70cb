//! The open connection. Its fields are private to this module, so that no other module changes
//! them.

mod alarm;
mod backlog;
mod budget;
mod cork;
mod deadlines;
mod deferred;
mod detach;
mod drive;
mod ending;
mod errand;
mod gathered;
mod inbox;
mod incoming;
mod lifecycle;
mod link;
mod lock;
mod meter;
mod outbox;
mod outcome;
mod pieces;
mod receive;
mod send;
mod state;
mod turn;
mod unframed;
mod users;
mod waiters;

pub(super) use deferred::Deferred;
pub(super) use detach::Attached;
pub(super) use drive::Waiter;
pub(super) use lock::{Lock, Locked};
pub(super) use outbox::Compressed;
pub(super) use send::{Compress, SendStep, Urgency};
pub(super) use state::Connection;
pub(super) use waiters::{Event, WaiterKey, WaiterKind};
