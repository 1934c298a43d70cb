//! The `:protocol` of an extended CONNECT.

use std::fmt;

/// The `:protocol` of an extended CONNECT (RFC 8441 §4, RFC 9220 §3): a request extension that
/// servers other than hyper's set.
///
/// A request asks for a WebSocket if it has this extension with the value `websocket`, the method
/// `CONNECT`, and the version HTTP/2 or HTTP/3. For HTTP/2, hyper sets its own extension, which is
/// recognized as well, with the feature `http2`.
///
/// The server passes the IO of the stream on in a [`PendingIo`](crate::io::PendingIo).
///
/// # Examples
///
/// ```
/// use http::{Method, Request, Uri, Version};
/// use tower_websocket::{handshake::ConnectProtocol, io::PendingIo};
///
/// /// Returns the request that an HTTP/3 server passes to its service.
/// fn websocket_request(uri: Uri, protocol: &str, io: PendingIo) -> Request<()> {
///     let mut request = Request::new(());
///     *request.method_mut() = Method::CONNECT;
///     *request.uri_mut() = uri;
///     *request.version_mut() = Version::HTTP_3;
///     request.extensions_mut().insert(ConnectProtocol::new(protocol));
///     request.extensions_mut().insert(io);
///     request
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConnectProtocol(Box<str>);

impl ConnectProtocol {
    /// Creates the extension from the value of `:protocol`.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn new(protocol: impl Into<Box<str>>) -> Self {
        Self(protocol.into())
    }

    /// Returns the value of `:protocol`.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::handshake::ConnectProtocol;
    ///
    /// assert_eq!(ConnectProtocol::new("websocket").as_str(), "websocket");
    /// ```
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConnectProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
