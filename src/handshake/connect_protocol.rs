//! The `:protocol` of an extended CONNECT.

use std::fmt;

/// The `:protocol` of an extended CONNECT (RFC 8441 §4, RFC 9220 §3): a request extension that a
/// server sets which is not hyper's.
///
/// A request with this extension, the method `CONNECT` and the version HTTP/2 or HTTP/3 asks for a
/// WebSocket when the protocol is `websocket`. hyper has an extension of its own for HTTP/2, which
/// counts as well, with the feature `http2`.
///
/// The IO of the stream goes into a [`PendingIo`](crate::io::PendingIo).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConnectProtocol(Box<str>);

impl ConnectProtocol {
    /// Creates the extension from the value of `:protocol`.
    pub fn new(protocol: impl Into<Box<str>>) -> Self {
        Self(protocol.into())
    }

    /// Returns the value of `:protocol`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConnectProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
