//! A client's bytes, made and read without tower-websocket: what the tests and benchmarks of this workspace share.

pub mod deflate;
pub mod http2;
pub mod http2_frames;
