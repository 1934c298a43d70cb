//! permessage-deflate (RFC 7692) on the wire, with a client that knows of flate2 and nothing of this crate.

mod inbound;
mod negotiation;
mod outbound;
mod peer;
mod splits;
