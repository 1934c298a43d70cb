//! The cause of a refusal, as a label.

/// Why an opening handshake was refused, for metrics: one of a few fixed labels.
///
/// It is in the extensions of every response that refuses: of a
/// [`WebSocketUpgradeLayer`](crate::WebSocketUpgradeLayer), of
/// [`into_service`](crate::WebSocketUpgradeLayer::into_service) also to ordinary requests, and of
/// [`HandshakeError::into_response`](crate::HandshakeError::into_response). Layers around find it there:
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
pub struct RefusalCause(pub(super) &'static str);

impl RefusalCause {
    /// Returns the label: the name of the [`HandshakeError`](crate::HandshakeError)'s variant in snake case, such as
    /// `forbidden_origin`, or `rejected` if the handshake service rejected the request.
    pub fn as_str(self) -> &'static str {
        self.0
    }
}

impl std::fmt::Display for RefusalCause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}
