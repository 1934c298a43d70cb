//! permessage-deflate (RFC 7692) on the wire, with a client that uses only flate2.

mod inbound;
mod negotiation;
mod outbound;
#[cfg(feature = "http2")]
mod over_http2;
mod peer;
mod splits;
