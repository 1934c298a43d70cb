//! The kinds of rejected handshakes.

use std::fmt;

/// Why an opening handshake was rejected, as a [`HandshakeError`](super::HandshakeError) without
/// its details, for metrics.
///
/// It is in the extensions of every response that rejects: of a
/// [`WebSocketUpgradeLayer`](crate::WebSocketUpgradeLayer), of
/// [`into_service`](crate::WebSocketUpgradeLayer::into_service) also to ordinary requests, and of
/// [`HandshakeError::into_response`](super::HandshakeError::into_response). Layers around find it
/// there:
///
/// ```
/// use http::Response;
/// use tower_websocket::handshake::HandshakeErrorKind;
///
/// fn is_probe<B>(response: &Response<B>) -> bool {
///     response.extensions().get() == Some(&HandshakeErrorKind::NotWebSocket)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HandshakeErrorKind {
    /// An ordinary HTTP/1 request.
    NotWebSocket,
    /// An HTTP/1 request with only some of an opening handshake.
    IncompleteUpgrade,
    /// An ordinary HTTP/2 request.
    MethodNotConnect,
    /// An HTTP/2 `CONNECT` for something else.
    UnknownProtocol,
    /// The method is not `GET`.
    MethodNotGet,
    /// No `Sec-WebSocket-Version`.
    MissingVersion,
    /// `Sec-WebSocket-Version` is not 13.
    UnsupportedVersion,
    /// More than one `Sec-WebSocket-Version`.
    RepeatedVersion,
    /// No `Sec-WebSocket-Key`.
    MissingKey,
    /// More than one `Sec-WebSocket-Key`.
    RepeatedKey,
    /// `Sec-WebSocket-Key` is not 16 bytes of base64.
    InvalidKey,
    /// The request target has no path.
    InvalidTarget,
    /// No `Host`.
    MissingHost,
    /// More than one `Host`.
    RepeatedHost,
    /// `Host` is not a host and an optional port.
    InvalidHost,
    /// `Host` and `:authority` differ.
    DifferentHost,
    /// [`AllowHost`](crate::AllowHost) does not allow the host.
    ForbiddenHost,
    /// The request announces a body.
    BodyAnnounced,
    /// More than one `Origin`.
    RepeatedOrigin,
    /// [`AllowOrigin`](crate::AllowOrigin) does not allow the origin.
    ForbiddenOrigin,
    /// The request has no upgrade in its extensions.
    NotUpgradable,
    /// Too many sockets are open.
    TooManyConnections,
    /// A shutdown has begun.
    ShuttingDown,
    /// The handshake service rejected the request.
    Rejected,
    /// The handshake service did not answer in time.
    TimedOut,
    /// The handshake service panicked.
    Panicked,
}

impl HandshakeErrorKind {
    /// Returns a label: the variant's name in snake case, such as `forbidden_origin`.
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
