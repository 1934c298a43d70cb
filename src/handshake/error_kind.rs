//! The kinds of handshake errors.

use std::fmt;

/// The kind of a [`HandshakeError`](super::HandshakeError), without its details, for metrics.
///
/// The extensions of every response that rejects a handshake contain it:
///
/// - responses of a [`WebSocketUpgradeLayer`](crate::WebSocketUpgradeLayer);
/// - responses of [`into_service`](crate::WebSocketUpgradeLayer::into_service), also to ordinary
///   requests;
/// - [`HandshakeError::into_response`](super::HandshakeError::into_response).
///
/// # Examples
///
/// ```
/// use http::Response;
/// use tower_websocket::handshake::HandshakeErrorKind;
///
/// /// Called by a middleware around the layer.
/// fn count<B>(response: &Response<B>) {
///     if let Some(kind) = response.extensions().get::<HandshakeErrorKind>() {
///         println!("handshakes_rejected{{kind=\"{}\"}} +1", kind.as_str());
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HandshakeErrorKind {
    /// An ordinary HTTP/1 request.
    NotWebSocket,
    /// An HTTP/1 request with an incomplete opening handshake.
    IncompleteUpgrade,
    /// An ordinary HTTP/2 request.
    MethodNotConnect,
    /// An HTTP/2 `CONNECT` for another protocol.
    UnknownProtocol,
    /// The method is not `GET`.
    MethodNotGet,
    /// `Sec-WebSocket-Version` is missing.
    MissingVersion,
    /// `Sec-WebSocket-Version` is not 13.
    UnsupportedVersion,
    /// `Sec-WebSocket-Version` is repeated.
    RepeatedVersion,
    /// `Sec-WebSocket-Key` is missing.
    MissingKey,
    /// `Sec-WebSocket-Key` is repeated.
    RepeatedKey,
    /// `Sec-WebSocket-Key` is not 16 bytes of base64.
    InvalidKey,
    /// The request target has no path.
    InvalidTarget,
    /// `Host` is missing.
    MissingHost,
    /// `Host` is repeated.
    RepeatedHost,
    /// `Host` is not a host with an optional port.
    InvalidHost,
    /// `Host` and `:authority` differ.
    DifferentHost,
    /// [`AllowHost`](crate::AllowHost) does not allow the host.
    ForbiddenHost,
    /// The request announces a body.
    BodyAnnounced,
    /// `Sec-WebSocket-Extensions` is not a list of extensions.
    InvalidExtensions,
    /// `Origin` is repeated.
    RepeatedOrigin,
    /// [`AllowOrigin`](crate::AllowOrigin) does not allow the origin.
    ForbiddenOrigin,
    /// The request's extensions contain neither `OnUpgrade` nor `PendingIo`.
    NotUpgradable,
    /// Too many sockets are open.
    TooManyConnections,
    /// A shutdown has begun.
    ShuttingDown,
    /// The handshake service rejected the request.
    Rejected,
    /// The handshake service did not respond in time.
    TimedOut,
    /// The handshake service or a predicate panicked.
    Panicked,
}

impl HandshakeErrorKind {
    /// Returns the name of the variant in snake case, such as `forbidden_origin`.
    ///
    /// See the [example](Self#examples) of the type.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotWebSocket => "not_web_socket",
            Self::IncompleteUpgrade => "incomplete_upgrade",
            Self::MethodNotConnect => "method_not_connect",
            Self::UnknownProtocol => "unknown_protocol",
            Self::MethodNotGet => "method_not_get",
            Self::MissingVersion => "missing_version",
            Self::UnsupportedVersion => "unsupported_version",
            Self::RepeatedVersion => "repeated_version",
            Self::MissingKey => "missing_key",
            Self::RepeatedKey => "repeated_key",
            Self::InvalidKey => "invalid_key",
            Self::InvalidTarget => "invalid_target",
            Self::MissingHost => "missing_host",
            Self::RepeatedHost => "repeated_host",
            Self::InvalidHost => "invalid_host",
            Self::DifferentHost => "different_host",
            Self::ForbiddenHost => "forbidden_host",
            Self::BodyAnnounced => "body_announced",
            Self::InvalidExtensions => "invalid_extensions",
            Self::RepeatedOrigin => "repeated_origin",
            Self::ForbiddenOrigin => "forbidden_origin",
            Self::NotUpgradable => "not_upgradable",
            Self::TooManyConnections => "too_many_connections",
            Self::ShuttingDown => "shutting_down",
            Self::Rejected => "rejected",
            Self::TimedOut => "timed_out",
            Self::Panicked => "panicked",
        }
    }
}

impl fmt::Display for HandshakeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
