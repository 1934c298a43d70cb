//! A client of raw HTTP/2.

mod client;
mod stream;

pub use client::{Client, Sent, connect};
pub use stream::Stream;
