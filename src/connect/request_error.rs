//! The error of a request that cannot open a WebSocket.

use std::{error::Error, fmt};

use http::{HeaderValue, Method};

/// The reason why a [`Connector`](crate::Connector) does not send a request.
///
/// # Examples
///
/// ```
/// use http::Request;
/// use tokio::io::duplex;
/// use tower_websocket::{
///     Connector,
///     connect::{ConnectErrorKind, RequestError},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (io, _server) = duplex(1024);
/// let request = Request::get("/chat").body(()).unwrap();
/// let error = Connector::new().connect(request, io).await.unwrap_err();
/// assert!(matches!(error.kind(), ConnectErrorKind::Request(RequestError::MissingHost)));
/// assert_eq!(error.to_string(), "the request has neither a host in its URI nor a Host header");
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The method is not `GET` (RFC 6455 §4.1 item 2).
    MethodNotGet(Method),
    /// The URI has no path, for example `*` (RFC 6455 §4.1 item 3).
    InvalidTarget(String),
    /// The scheme of the URI is missing or belongs to another protocol. This is an error only over
    /// HTTP/2 (RFC 9113 §8.3.1).
    InvalidScheme(String),
    /// The request has neither an authority in its URI nor a `Host` header (RFC 6455 §4.1 item 4).
    MissingHost,
    /// There is more than one `Host` header (RFC 9112 §3.2).
    RepeatedHost(HeaderValue),
    /// The `Host` header or the authority of the URI is not a host and an optional port (RFC 9112
    /// §3.2).
    InvalidHost(HeaderValue),
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MethodNotGet(method) => write!(f, "the request method is {method}, it must be GET"),
            Self::InvalidTarget(target) => write!(f, "the request URI is {target:?}, it must have a path"),
            Self::InvalidScheme(uri) => {
                write!(f, "the request URI is {uri:?}, its scheme must be ws, wss, http or https")
            }
            Self::MissingHost => f.write_str("the request has neither a host in its URI nor a Host header"),
            Self::RepeatedHost(hosts) => {
                write!(f, "the Host header is repeated: {hosts:?}, it must occur at most once")
            }
            Self::InvalidHost(host) => {
                write!(f, "the request host is {host:?}, it must be a host and an optional port")
            }
        }
    }
}

impl Error for RequestError {}
