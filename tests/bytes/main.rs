//! Sockets as streams of bytes, and messages in chunks, over TCP.
//!
//! ```text
//! cargo test --release --test bytes -- --ignored --nocapture
//! ```
//!
//! copies 100 MB each way.

#[cfg(feature = "deflate")]
mod compressed;
mod copy;
mod pair;
mod receive;
mod send;
mod stream;
