//! The reasons why a response does not open a WebSocket.

use std::{error::Error, fmt};

use http::{HeaderValue, StatusCode};

/// The reason why a response does not open a WebSocket for the client.
///
/// The items are those of RFC 6455 §4.1, after "the client MUST validate the server's response as
/// follows".
///
/// # Examples
///
/// ```
/// use http::StatusCode;
/// use tower_websocket::{connect::ConnectErrorKind, handshake::ResponseError};
///
/// /// Returns advice for the user about an error of a `Connector`.
/// fn advice(error: &ConnectErrorKind) -> Option<&'static str> {
///     let ConnectErrorKind::Response(error) = error else { return None };
///     match error {
///         ResponseError::Status(StatusCode::UNAUTHORIZED) => Some("log in first"),
///         ResponseError::Status(status) if status.is_redirection() => Some("the address changed"),
///         ResponseError::WrongAccept { .. } => Some("a cache may have sent an old response"),
///         _ => None,
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseError {
    /// The status is not 101 (item 1) or, over HTTP/2, not 200 (RFC 8441 §5).
    ///
    /// The server rejected the request or requires another step first: a 401 asks for credentials,
    /// a 3xx names another address.
    Status(StatusCode),
    /// `Upgrade` is missing (item 2).
    MissingUpgrade,
    /// `Upgrade` is not `websocket` (item 2).
    WrongUpgrade(HeaderValue),
    /// `Connection` is missing (item 3).
    MissingConnection,
    /// `Connection` does not contain `upgrade` (item 3).
    WrongConnection(HeaderValue),
    /// `Sec-WebSocket-Accept` is missing (item 4).
    MissingAccept,
    /// `Sec-WebSocket-Accept` does not match the key of the request (item 4). The response is an
    /// old one, or the server does not support WebSockets.
    WrongAccept {
        /// The value in the response.
        received: HeaderValue,
        /// The value that matches the key.
        expected: HeaderValue,
    },
    /// `Sec-WebSocket-Accept` is repeated (§11.3.3).
    RepeatedAccept(HeaderValue),
    /// `Sec-WebSocket-Extensions` contains an extension that was not offered, or parameters that do
    /// not match the offer (item 5, RFC 7692 §5.1).
    ExtensionNotOffered(HeaderValue),
    /// `Sec-WebSocket-Protocol` is a subprotocol that was not offered (item 6).
    ProtocolNotOffered(HeaderValue),
    /// `Sec-WebSocket-Protocol` is repeated (§11.3.4).
    RepeatedProtocol(HeaderValue),
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => {
                write!(f, "the server responded with {status} instead of opening a WebSocket")
            }
            Self::MissingUpgrade => f.write_str("the response has no Upgrade, it must be websocket"),
            Self::WrongUpgrade(upgrade) => {
                write!(f, "the response's Upgrade is {upgrade:?}, it must be websocket")
            }
            Self::MissingConnection => f.write_str("the response has no Connection, it must contain upgrade"),
            Self::WrongConnection(connection) => {
                write!(f, "the response's Connection is {connection:?}, it must contain upgrade")
            }
            Self::MissingAccept => f.write_str("the response has no Sec-WebSocket-Accept"),
            Self::WrongAccept { received, expected } => {
                write!(f, "the response's Sec-WebSocket-Accept is {received:?}, it must be {expected:?}")
            }
            Self::RepeatedAccept(accepts) => {
                write!(f, "the response's Sec-WebSocket-Accept is repeated: {accepts:?}, it must occur once")
            }
            Self::ExtensionNotOffered(extensions) => {
                write!(f, "the response has the extension {extensions:?}, which does not match an offer")
            }
            Self::ProtocolNotOffered(protocol) => {
                write!(f, "the response has the subprotocol {protocol:?}, which was not offered")
            }
            Self::RepeatedProtocol(protocols) => {
                write!(
                    f,
                    "the response's Sec-WebSocket-Protocol is repeated: {protocols:?}, it may occur at most once"
                )
            }
        }
    }
}

impl Error for ResponseError {}
