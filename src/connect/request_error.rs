//! Why a request cannot ask for a WebSocket.

use std::{error::Error, fmt};

use http::{HeaderValue, Method};

/// Why a [`Connector`](crate::Connector) does not send a request: it is not one that can ask for a
/// WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The method is not `GET` (RFC 6455 §4.1 item 2).
    MethodNotGet(Method),
    /// The URI has no path, as `*` has none (RFC 6455 §4.1 item 3).
    InvalidTarget(String),
    /// The URI has no scheme, or one of another protocol, which matters over HTTP/2 only (RFC 9113
    /// §8.3.1).
    InvalidScheme(String),
    /// Neither has the URI an authority, nor is there a `Host` (RFC 6455 §4.1 item 4).
    MissingHost,
    /// More than one `Host` (RFC 9112 §3.2).
    RepeatedHost(HeaderValue),
    /// `Host`, or the authority of the URI, is not a host and an optional port (RFC 9112 §3.2).
    InvalidHost(HeaderValue),
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MethodNotGet(method) => write!(f, "the request's method is {method}, it must be GET"),
            Self::InvalidTarget(target) => write!(f, "the request's URI is {target:?}, it must have a path"),
            Self::InvalidScheme(uri) => {
                write!(f, "the request's URI is {uri:?}, its scheme must be ws, wss, http or https")
            }
            Self::MissingHost => f.write_str("the request's URI has no host, and there is no Host"),
            Self::RepeatedHost(hosts) => {
                write!(f, "the request's Host is repeated: {hosts:?}, it must be there once at most")
            }
            Self::InvalidHost(host) => {
                write!(f, "the request's host is {host:?}, it must be a host and an optional port")
            }
        }
    }
}

impl Error for RequestError {}
