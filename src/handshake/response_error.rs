//! Why a response does not open a WebSocket.

use std::{error::Error, fmt};

use http::{HeaderValue, StatusCode};

/// Why a client must not take a response for an open WebSocket (RFC 6455 §4.1, after "the client
/// MUST validate the server's response as follows").
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseError {
    /// The status is not 101 (item 1), and over HTTP/2 not 200 (RFC 8441 §5). The server has
    /// refused, or wants something else first: a 401 asks for credentials, a 3xx names another
    /// address.
    Status(StatusCode),
    /// No `Upgrade` (item 2).
    MissingUpgrade,
    /// `Upgrade` is not `websocket` (item 2).
    WrongUpgrade(HeaderValue),
    /// No `Connection` (item 3).
    MissingConnection,
    /// `Connection` does not contain `upgrade` (item 3).
    WrongConnection(HeaderValue),
    /// No `Sec-WebSocket-Accept` (item 4).
    MissingAccept,
    /// `Sec-WebSocket-Accept` does not answer the key of the request (item 4): the response is an
    /// old one, or not a server's of WebSockets.
    WrongAccept {
        /// The value of the response.
        received: HeaderValue,
        /// The one that answers the key.
        expected: HeaderValue,
    },
    /// More than one `Sec-WebSocket-Accept` (§11.3.3).
    RepeatedAccept(HeaderValue),
    /// `Sec-WebSocket-Extensions` has an extension that was not offered, or parameters that do not
    /// answer the offer (item 5, RFC 7692 §5.1).
    ExtensionNotOffered(HeaderValue),
    /// `Sec-WebSocket-Protocol` is not one that was offered (item 6).
    ProtocolNotOffered(HeaderValue),
    /// More than one `Sec-WebSocket-Protocol` (§11.3.4).
    RepeatedProtocol(HeaderValue),
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => {
                write!(f, "the server did not open a WebSocket, but answered with {status}")
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
                write!(
                    f,
                    "the response's Sec-WebSocket-Accept is repeated: {accepts:?}, it must be there once"
                )
            }
            Self::ExtensionNotOffered(extensions) => {
                write!(f, "the response has the extension {extensions:?}, which does not answer an offer")
            }
            Self::ProtocolNotOffered(protocol) => {
                write!(f, "the response has the subprotocol {protocol:?}, which was not offered")
            }
            Self::RepeatedProtocol(protocols) => {
                write!(
                    f,
                    "the response's Sec-WebSocket-Protocol is repeated: {protocols:?}, it must be there once at most"
                )
            }
        }
    }
}

impl Error for ResponseError {}
