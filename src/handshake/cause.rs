//! The cause of a refusal, as a label.

use super::HandshakeError;

/// Why a layer refused an opening handshake, for metrics: one of a few fixed labels.
///
/// A [`WebSocketUpgradeLayer`](crate::WebSocketUpgradeLayer) puts it into the extensions of the response with which it
/// refuses, where the layers around it find it:
///
/// ```
/// use http::Response;
/// use tower_websocket::RefusalCause;
///
/// fn count<B>(response: &Response<B>) {
///     if let Some(cause) = response.extensions().get::<RefusalCause>() {
///         println!("refused: {cause}, {}", response.status());
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RefusalCause(&'static str);

impl RefusalCause {
    /// The label: the name of the [`HandshakeError`]'s variant in snake case, such as `forbidden_origin`, or `rejected`
    /// when it was the handshake service.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl From<&HandshakeError> for RefusalCause {
    fn from(error: &HandshakeError) -> Self {
        use HandshakeError as E;
        Self(match error {
            E::NotWebSocket => "not_web_socket",
            E::MethodNotConnect(_) => "method_not_connect",
            E::UnknownProtocol => "unknown_protocol",
            E::MethodNotGet(_) => "method_not_get",
            E::MissingVersion(_) => "missing_version",
            E::UnsupportedVersion(..) => "unsupported_version",
            E::MissingKey => "missing_key",
            E::RepeatedKey => "repeated_key",
            E::InvalidKey(_) => "invalid_key",
            E::MissingHost => "missing_host",
            E::RepeatedHost => "repeated_host",
            E::DifferentHost(_) => "different_host",
            E::BodyAnnounced => "body_announced",
            E::ForbiddenOrigin(_) => "forbidden_origin",
            E::NotUpgradable => "not_upgradable",
            E::TooManyConnections => "too_many_connections",
            E::ShuttingDown => "shutting_down",
            E::Rejected(_) => "rejected",
            E::TimedOut(_) => "timed_out",
            E::Panicked => "panicked",
        })
    }
}

impl std::fmt::Display for RefusalCause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}
