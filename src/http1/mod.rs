//! Reads and writes the heads of HTTP/1.1 messages on a raw stream (RFC 9112 §2 to §5).

mod encode;
mod head;
mod request;
mod response;

pub(crate) use encode::{encode_headers, encode_response};
pub(crate) use head::HeadError;
pub(crate) use request::{parse_request, read_request};
pub(crate) use response::read_response;
