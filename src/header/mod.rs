//! The grammar of list-valued headers.

#[cfg(test)]
pub(crate) mod arbitrary;
mod connection;
#[cfg(feature = "deflate")]
mod extensions;
mod tokens;

pub(crate) use connection::strip_connection;
#[cfg(feature = "deflate")]
pub(crate) use extensions::{Extension, extensions};
pub(crate) use tokens::{has_token, tokens};
