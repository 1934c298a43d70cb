//! The feature `axum`: the extractor compared with axum's own, and axum's extractors in a handshake
//! service.
//!
//! `programs` contains programs written for axum. Each is compiled twice from one source: with
//! axum's types, and with those of this crate. `differences` tests the table of the guide's page
//! with both, line by line.

mod checks;
mod configuration;
mod differences;
mod every_way_in;
mod extracting;
mod over_http2;
mod programs;
#[cfg(feature = "tracing")]
mod spans;
mod upgrading;
