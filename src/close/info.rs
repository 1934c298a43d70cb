//! How a connection ended (RFC 6455 §7.1.5 and §7.1.6).

use tungstenite::protocol::CloseFrame;

/// Describes how a connection ended, or how it is being closed.
///
/// # Examples
///
/// ```
/// use tower_websocket::WebSocket;
///
/// async fn handler(mut socket: WebSocket) {
///     while let Some(Ok(_)) = socket.recv().await {}
///     let Some(info) = socket.close_info() else { return };
///     println!("code {}, reason {:?}", info.code(), info.reason());
///     if !info.is_clean() {
///         println!("no Close frame arrived: {:?}", info.error());
///     }
///     if let Some(frame) = info.sent() {
///         println!("we sent {} first", frame.code);
///     }
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CloseInfo {
    pub(crate) received: Option<Option<CloseFrame>>,
    pub(crate) sent: Option<CloseFrame>,
    pub(crate) error: Option<String>,
}

impl CloseInfo {
    /// Returns the close code of the connection (RFC 6455 §7.1.5).
    ///
    /// - This is the code of the peer's Close frame.
    /// - It is 1005 if the peer's Close frame has no code.
    /// - It is 1006 if no Close frame arrived, or if its code must not be sent, which is a protocol
    ///   violation.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn code(&self) -> u16 {
        match &self.received {
            Some(Some(frame)) => frame.code.into(),
            Some(None) => 1005,
            None => 1006,
        }
    }

    /// Returns the close reason of the connection (RFC 6455 §7.1.6): the reason in the peer's Close
    /// frame, or an empty string.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn reason(&self) -> &str {
        match &self.received {
            Some(Some(frame)) => &frame.reason,
            _ => "",
        }
    }

    /// Returns `true` if the peer's Close frame arrived.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn is_clean(&self) -> bool {
        self.received.is_some()
    }

    /// Returns the Close frame with which this side started the closing handshake.
    ///
    /// Returns `None` if this side only replied to the peer's Close, or if its own Close had no
    /// code.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn sent(&self) -> Option<&CloseFrame> {
        self.sent.as_ref()
    }

    /// Returns the text of the error that ended the connection, if there was one.
    ///
    /// It is set if reading failed, if the peer violated the protocol or did not answer a ping, if
    /// the handler returned an error, or if the closing handshake timed out.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }
}
