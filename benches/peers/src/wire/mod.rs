//! The client's side of the protocol, as pure functions.

mod frame;
mod payload;
mod replies;
mod request;

pub(crate) use frame::{Opcode, frame};
pub(crate) use payload::Payload;
pub(crate) use replies::Replies;
pub(crate) use request::{is_opened, request};
