//! The feature `axum`: the extractor beside axum's own, and axum's extractors in a handshake
//! service.
//!
//! `programs` are programs written for axum, each compiled twice from one source: below a `use` of
//! axum's types, and below one of this crate's. `differences` is the table of the guide's page,
//! line by line, against both.

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
