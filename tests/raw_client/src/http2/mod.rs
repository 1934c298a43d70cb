//! A raw HTTP/2 client.

mod client;
mod stream;

pub use client::{Client, Sent, connect};
pub use stream::Stream;
