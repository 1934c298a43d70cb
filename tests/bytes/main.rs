//! Sockets as streams of bytes, and messages in chunks, over TCP.
//!
//! This copies 100 MB in each direction:
//!
//! ```text
//! cargo test --release --test bytes -- --ignored --nocapture
//! ```

#[cfg(feature = "deflate")]
mod compressed;
mod copy;
mod pair;
mod receive;
mod send;
mod stream;
