//! The grammar of headers: lists, and hosts with ports.

#[cfg(test)]
pub(crate) mod arbitrary;
mod connection;
mod extensions;
mod host;
mod tokens;

pub(crate) use connection::strip_connection;
#[cfg(feature = "deflate")]
pub(crate) use extensions::Extension;
pub(crate) use extensions::extensions;
pub(crate) use host::{Host, HostPort, port};
pub(crate) use tokens::{has_token, is_token, joined, members, single, tokens};
