//! The grammar of list-valued headers.

mod connection;
mod tokens;

pub(crate) use connection::strip_connection;
pub(crate) use tokens::{has_token, tokens};
