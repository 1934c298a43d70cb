//! Rooms: one message to many sockets.

mod callbacks;
#[cfg(feature = "deflate")]
mod compression;
mod member;
mod membership;
mod policies;
mod sending;
