//! Heads of HTTP/1.1 messages, from a raw stream and to it (RFC 9112 §2 to §5).

mod encode;
mod head;
mod request;
mod response;

pub(crate) use encode::{encode_headers, encode_response};
pub(crate) use head::HeadError;
pub(crate) use request::read_request;
pub(crate) use response::read_response;
