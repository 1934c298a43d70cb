//! The process that a test runs in: its memory, and an executor on one of its threads.
//!
//! The crate does not depend on tower-websocket, whose features the tests would otherwise select.

mod executor;
mod memory;

pub use executor::block_on_elsewhere;
pub use memory::{peak, reset_peak, resident};
