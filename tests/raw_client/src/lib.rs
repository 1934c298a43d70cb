//! A client that builds and parses bytes without tower-websocket. The tests and benchmarks of this
//! workspace share it.
//!
//! `fuzz` and `tests/soak` have their own clients on purpose, so that an error here does not stay
//! hidden everywhere.

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
