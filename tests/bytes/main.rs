//! Sockets as streams of bytes, over TCP.
//!
//! ```text
//! cargo test --release --test bytes -- --ignored --nocapture
//! ```
//!
//! copies 100 MB each way.

mod copy;
mod pair;
mod stream;
