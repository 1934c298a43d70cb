//! The grammar of list-valued headers.

mod tokens;

pub(crate) use tokens::{has_token, tokens};
