//! The client's side of the protocol, as pure functions.

mod deflate;
mod frame;
mod payload;
mod replies;
mod request;

pub(crate) use deflate::inflate;
pub(crate) use frame::{Opcode, compressed_frame, fragments, frame, server_frame};
pub(crate) use payload::Payload;
pub(crate) use replies::Replies;
pub(crate) use request::{is_opened, request};
