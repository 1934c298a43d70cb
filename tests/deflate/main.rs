//! permessage-deflate (RFC 7692) on the wire, with a client that knows of flate2 and nothing of
//! this crate.

mod inbound;
mod negotiation;
mod outbound;
#[cfg(feature = "http2")]
mod over_http2;
mod peer;
mod splits;
