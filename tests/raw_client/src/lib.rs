//! A client's bytes, made and read without tower-websocket: what the tests and benchmarks of this
//! workspace share.
//!
//! Two places have their own on purpose, so that no mistake made here passes everywhere: `fuzz` and
//! `tests/soak`.

pub mod deflate;
mod frame;
pub mod http2;
pub mod http2_frames;
pub mod opcode;
pub mod opening;
mod server_frame;
pub mod whole;

pub use frame::{FIN, MASK, RSV1, frame, frame_with_mask, header, header_with_mask};
pub use server_frame::{read_frame, read_payload, take_frame};
