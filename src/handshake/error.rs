//! Why an opening handshake was refused.

use std::{error::Error, fmt, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Response, StatusCode,
    header::{ALLOW, CONNECTION, CONTENT_TYPE, SEC_WEBSOCKET_VERSION, UPGRADE},
};

use super::Rejection;

/// Why an opening handshake was refused, and so what the client is answered.
///
/// The [`Display`](fmt::Display) text is one line that names what is wrong; it is also the body of
/// [`into_response`](Self::into_response), except where the [`Rejection`] brings its own.
#[derive(Debug)]
#[non_exhaustive]
pub enum HandshakeError {
    /// An ordinary HTTP request: it does not ask for a WebSocket (426).
    NotWebSocket,
    /// The method is not `GET` (405, RFC 6455 §4.1 item 2).
    MethodNotGet(Method),
    /// No `Sec-WebSocket-Version` (426, RFC 6455 §4.2.1 item 6).
    MissingVersion,
    /// `Sec-WebSocket-Version` is not 13 (426, RFC 6455 §4.4).
    UnsupportedVersion(HeaderValue),
    /// No `Sec-WebSocket-Key` (400, RFC 6455 §4.2.1 item 5).
    MissingKey,
    /// More than one `Sec-WebSocket-Key` (400, RFC 6455 §11.3.1).
    RepeatedKey,
    /// `Sec-WebSocket-Key` is not 16 bytes of base64 (400, RFC 6455 §4.2.1 item 5).
    InvalidKey(HeaderValue),
    /// No `Host` (400, RFC 6455 §4.2.1 item 2).
    MissingHost,
    /// More than one `Host` (400, RFC 9112 §3.2).
    RepeatedHost,
    /// The request announces a body, whose bytes would be taken for frames (400).
    BodyAnnounced,
    /// [`AllowOrigin`](crate::AllowOrigin) does not allow the request's origin (403, RFC 6455 §10.2).
    ForbiddenOrigin(HeaderValue),
    /// The server that read the request cannot hand over its IO (500).
    ///
    /// hyper's `http1::Builder` needs `with_upgrades()`, hyper-util's `auto::Builder`
    /// `serve_connection_with_upgrades()`; or something before this crate has taken the upgrade.
    NotUpgradable,
    /// As many sockets are open as [`Config::max_connections`](crate::Config::max_connections) allows (503).
    TooManyConnections,
    /// A [`Shutdown`](crate::Shutdown) has begun (503).
    ShuttingDown,
    /// The handshake service refused (its own response).
    Rejected(Rejection),
    /// The handshake service did not answer in time (503).
    TimedOut(Duration),
    /// The handshake service panicked (500).
    Panicked,
}

impl HandshakeError {
    /// The status code of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::MethodNotGet(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotWebSocket | Self::MissingVersion | Self::UnsupportedVersion(_) => {
                StatusCode::UPGRADE_REQUIRED
            }
            Self::MissingKey
            | Self::RepeatedKey
            | Self::InvalidKey(_)
            | Self::MissingHost
            | Self::RepeatedHost
            | Self::BodyAnnounced => StatusCode::BAD_REQUEST,
            Self::ForbiddenOrigin(_) => StatusCode::FORBIDDEN,
            Self::NotUpgradable | Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Rejected(rejection) => rejection.status(),
            Self::TooManyConnections | Self::ShuttingDown | Self::TimedOut(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// The answer that the client should get.
    pub fn into_response(self) -> Response<Bytes> {
        let status = self.status();
        let text = match self {
            Self::Rejected(rejection) => return rejection.into_response(),
            ref error if status.is_client_error() => format!("{error}\n"),
            // What fails inside the server is not the client's business.
            _ => String::new(),
        };
        let mut response = Response::new(Bytes::from(text));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        if status.is_client_error() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        }
        if status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, HeaderValue::from_static("GET"));
        }
        if status == StatusCode::UPGRADE_REQUIRED {
            // RFC 9110 §15.5.22: a 426 names the protocol; RFC 6455 §4.4: and the version.
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        response
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotWebSocket => write!(f, "this resource is a WebSocket: upgrade required"),
            Self::MethodNotGet(method) => {
                write!(f, "a WebSocket handshake has the method GET, not {method}")
            }
            Self::MissingVersion => write!(f, "Sec-WebSocket-Version is missing, it must be 13"),
            Self::UnsupportedVersion(version) => {
                write!(f, "Sec-WebSocket-Version is {version:?}, it must be 13")
            }
            Self::MissingKey => write!(f, "Sec-WebSocket-Key is missing"),
            Self::RepeatedKey => write!(f, "Sec-WebSocket-Key is repeated"),
            Self::InvalidKey(key) => {
                write!(f, "Sec-WebSocket-Key is {key:?}, not 16 bytes of base64")
            }
            Self::MissingHost => write!(f, "Host is missing"),
            Self::RepeatedHost => write!(f, "Host is repeated"),
            Self::BodyAnnounced => write!(f, "a WebSocket handshake has no body"),
            Self::ForbiddenOrigin(origin) => write!(f, "the origin {origin:?} is not allowed"),
            Self::NotUpgradable => write!(f, "the server cannot hand over this connection"),
            Self::TooManyConnections => write!(f, "too many WebSockets are open"),
            Self::ShuttingDown => write!(f, "the server is shutting down"),
            Self::Rejected(rejection) => rejection.fmt(f),
            Self::TimedOut(limit) => write!(f, "the handshake service took longer than {limit:?}"),
            Self::Panicked => write!(f, "the handshake service panicked"),
        }
    }
}

impl Error for HandshakeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Rejected(rejection) => rejection.source(),
            _ => None,
        }
    }
}

impl From<Rejection> for HandshakeError {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}
