//! The reasons for rejecting an opening handshake.

use std::{error::Error, fmt, time::Duration};

use http::{
    HeaderValue, Method, Request, Response, StatusCode, Version,
    header::{ALLOW, CONNECTION, CONTENT_TYPE, SEC_WEBSOCKET_VERSION, UPGRADE},
};

use super::{HandshakeErrorKind, HandshakeKind, Rejection, RejectionBody, kind};

/// The reason why an opening handshake was rejected.
///
/// The [`Display`](fmt::Display) text is one line that describes the fault. For client errors
/// (4xx), it is also the body of [`into_response`](Self::into_response), except that a
/// [`Rejection`] has its own body.
///
/// # Examples
///
/// ```
/// use http::Request;
/// use tower_websocket::{AcceptAll, Acceptor, handshake::{HandshakeError, HandshakeErrorKind}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let request = Request::get("/").body(()).unwrap();
/// let error = Acceptor::new(AcceptAll).accept_request(request).await.unwrap_err();
/// assert!(matches!(error, HandshakeError::NotWebSocket));
/// assert_eq!(error.to_string(), "this resource is a WebSocket: upgrade required");
/// assert_eq!(error.kind(), HandshakeErrorKind::NotWebSocket);
/// assert_eq!(error.status(), 426);
///
/// let response = error.into_response();
/// assert_eq!(response.headers()["upgrade"], "websocket");
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum HandshakeError {
    /// An ordinary HTTP/1 request that does not ask for a WebSocket (426).
    NotWebSocket,
    /// An HTTP/1 request with an incomplete opening handshake (426, RFC 6455 §4.2.1 items 3 and 4).
    ///
    /// Its version is not HTTP/1.1, or its `Upgrade` or `Connection` is missing or has another
    /// value. The text names every fault. Proxies that do not forward upgrades send such
    /// requests.
    IncompleteUpgrade(String),
    /// An ordinary HTTP/2 request. Over HTTP/2, a WebSocket needs the method `CONNECT` (405, RFC
    /// 8441 §4).
    MethodNotConnect(Method),
    /// An HTTP/2 `CONNECT` whose `:protocol` is missing or not `websocket` (501, RFC 9220 §3).
    UnknownProtocol,
    /// The method is not `GET` (405, RFC 6455 §4.1 item 2).
    MethodNotGet(Method),
    /// `Sec-WebSocket-Version` is missing (426, RFC 6455 §4.2.1 item 6).
    ///
    /// Over HTTP/2 the status is 400: a 426 must have an `Upgrade`, which is not allowed in HTTP/2.
    MissingVersion(HandshakeKind),
    /// `Sec-WebSocket-Version` is not 13 (426, RFC 6455 §4.4; over HTTP/2 400).
    UnsupportedVersion(HeaderValue, HandshakeKind),
    /// `Sec-WebSocket-Version` is repeated (426, RFC 6455 §11.3.5; over HTTP/2 400).
    RepeatedVersion(HeaderValue, HandshakeKind),
    /// `Sec-WebSocket-Key` is missing (400, RFC 6455 §4.2.1 item 5).
    MissingKey,
    /// `Sec-WebSocket-Key` is repeated (400, RFC 6455 §11.3.1).
    RepeatedKey(HeaderValue),
    /// `Sec-WebSocket-Key` is not 16 bytes of base64 (400, RFC 6455 §4.2.1 item 5).
    InvalidKey(HeaderValue),
    /// The request target is neither a path nor a URI with a path (400, RFC 9112 §3.2).
    InvalidTarget(String),
    /// `Host` is missing (400, RFC 6455 §4.2.1 item 2). Over HTTP/2, `:authority` is missing as
    /// well.
    MissingHost,
    /// `Host` is repeated (400, RFC 9112 §3.2).
    RepeatedHost(HeaderValue),
    /// `Host`, or the authority of the request target, is not a host with an optional port (400,
    /// RFC 9112 §3.2).
    InvalidHost(HeaderValue),
    /// Over HTTP/2, `Host` and `:authority` name different hosts or ports (400, RFC 9113 §8.3.1).
    DifferentHost {
        /// The value of `Host`.
        host: HeaderValue,
        /// The value of `:authority`.
        authority: HeaderValue,
    },
    /// [`AllowHost`](crate::AllowHost) does not allow the host of the request (421, RFC 9110
    /// §15.5.20).
    ForbiddenHost(HeaderValue),
    /// The request announces a body, whose bytes would be read as frames (400).
    BodyAnnounced,
    /// `Sec-WebSocket-Extensions` is not a list of extensions (400, RFC 6455 §9.1).
    InvalidExtensions(HeaderValue),
    /// [`AllowOrigin`](crate::AllowOrigin) does not allow the origin of the request (403, RFC 6455
    /// §10.2).
    ForbiddenOrigin {
        /// The value of `Origin`.
        origin: HeaderValue,
        /// The host of the request, from `Host` or `:authority`.
        host: HeaderValue,
    },
    /// `Origin` is repeated (403, RFC 6454 §7.3).
    RepeatedOrigin(HeaderValue),
    /// The request has neither hyper's `OnUpgrade` nor a [`PendingIo`](crate::io::PendingIo) in its
    /// extensions, so the server cannot hand over its IO (500).
    ///
    /// Either something before this crate has taken the extension, or it has rebuilt the request
    /// without its extensions.
    ///
    /// A hyper server that does not support upgrades is detected only later, with an
    /// [`UpgradeError`](crate::accept::UpgradeError), because hyper adds an `OnUpgrade` to every
    /// request. The client then gets the accepting response, followed by the end of the stream.
    NotUpgradable,
    /// [`Config::max_connections`](crate::Config::max_connections) sockets are already open (503).
    TooManyConnections,
    /// A [`Shutdown`](crate::Shutdown) has begun (503).
    ShuttingDown,
    /// The handshake service rejected the request (status of its response).
    Rejected(Rejection),
    /// The handshake service did not respond in time (503).
    TimedOut(Duration),
    /// The handshake service or a predicate panicked (500).
    Panicked,
}

impl HandshakeError {
    /// Returns the error of a request that does not ask for a WebSocket.
    pub(crate) fn not_websocket<B>(request: &Request<B>) -> Self {
        match request.method() {
            _ if request.version() < Version::HTTP_2 => match kind::missing(request) {
                Some(missing) => Self::IncompleteUpgrade(missing),
                None => Self::NotWebSocket,
            },
            &Method::CONNECT => Self::UnknownProtocol,
            method => Self::MethodNotConnect(method.clone()),
        }
    }

    /// Returns the status code of the response.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::MethodNotGet(_) | Self::MethodNotConnect(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::UnknownProtocol => StatusCode::NOT_IMPLEMENTED,
            Self::NotWebSocket
            | Self::IncompleteUpgrade(_)
            | Self::MissingVersion(HandshakeKind::Upgrade)
            | Self::UnsupportedVersion(_, HandshakeKind::Upgrade)
            | Self::RepeatedVersion(_, HandshakeKind::Upgrade) => StatusCode::UPGRADE_REQUIRED,
            Self::MissingVersion(HandshakeKind::ExtendedConnect)
            | Self::UnsupportedVersion(_, HandshakeKind::ExtendedConnect)
            | Self::RepeatedVersion(_, HandshakeKind::ExtendedConnect)
            | Self::MissingKey
            | Self::RepeatedKey(_)
            | Self::InvalidKey(_)
            | Self::InvalidTarget(_)
            | Self::MissingHost
            | Self::RepeatedHost(_)
            | Self::InvalidHost(_)
            | Self::DifferentHost { .. }
            | Self::BodyAnnounced
            | Self::InvalidExtensions(_) => StatusCode::BAD_REQUEST,
            Self::ForbiddenHost(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::ForbiddenOrigin { .. } | Self::RepeatedOrigin(_) => StatusCode::FORBIDDEN,
            Self::NotUpgradable | Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Rejected(rejection) => rejection.status(),
            Self::TooManyConnections | Self::ShuttingDown | Self::TimedOut(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// Returns the kind of the error, for metrics: the variant without its details.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn kind(&self) -> HandshakeErrorKind {
        use HandshakeErrorKind as K;
        match self {
            Self::NotWebSocket => K::NotWebSocket,
            Self::IncompleteUpgrade(_) => K::IncompleteUpgrade,
            Self::MethodNotConnect(_) => K::MethodNotConnect,
            Self::UnknownProtocol => K::UnknownProtocol,
            Self::MethodNotGet(_) => K::MethodNotGet,
            Self::MissingVersion(_) => K::MissingVersion,
            Self::UnsupportedVersion(..) => K::UnsupportedVersion,
            Self::RepeatedVersion(..) => K::RepeatedVersion,
            Self::MissingKey => K::MissingKey,
            Self::RepeatedKey(_) => K::RepeatedKey,
            Self::InvalidKey(_) => K::InvalidKey,
            Self::InvalidTarget(_) => K::InvalidTarget,
            Self::MissingHost => K::MissingHost,
            Self::RepeatedHost(_) => K::RepeatedHost,
            Self::InvalidHost(_) => K::InvalidHost,
            Self::DifferentHost { .. } => K::DifferentHost,
            Self::ForbiddenHost(_) => K::ForbiddenHost,
            Self::BodyAnnounced => K::BodyAnnounced,
            Self::InvalidExtensions(_) => K::InvalidExtensions,
            Self::RepeatedOrigin(_) => K::RepeatedOrigin,
            Self::ForbiddenOrigin { .. } => K::ForbiddenOrigin,
            Self::NotUpgradable => K::NotUpgradable,
            Self::TooManyConnections => K::TooManyConnections,
            Self::ShuttingDown => K::ShuttingDown,
            Self::Rejected(_) => K::Rejected,
            Self::TimedOut(_) => K::TimedOut,
            Self::Panicked => K::Panicked,
        }
    }

    /// Returns the response for the client. Its extensions contain the [`HandshakeErrorKind`].
    ///
    /// See the [example](Self#examples) of the type.
    pub fn into_response(self) -> Response<RejectionBody> {
        let (status, kind) = (self.status(), self.kind());
        let allow = match self {
            Self::MethodNotGet(_) => Some("GET"),
            Self::MethodNotConnect(_) => Some("CONNECT"),
            _ => None,
        };
        let is_of_version = matches!(
            self,
            Self::MissingVersion(_) | Self::UnsupportedVersion(..) | Self::RepeatedVersion(..)
        );
        let text = match self {
            Self::Rejected(rejection) => {
                let mut response = rejection.into_response();
                response.extensions_mut().insert(kind);
                return response;
            }
            ref error if status.is_client_error() => format!("{error}\n"),
            // Clients do not need to know details of internal errors.
            _ => String::new(),
        };
        let mut response = Response::new(RejectionBody::from(text));
        response.extensions_mut().insert(kind);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        if status.is_client_error() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        }
        if let Some(method) = allow {
            headers.insert(ALLOW, HeaderValue::from_static(method));
        }
        if status == StatusCode::UPGRADE_REQUIRED {
            // RFC 9110 §15.5.22: a 426 must name the protocol.
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        }
        if is_of_version || status == StatusCode::UPGRADE_REQUIRED {
            // RFC 6455 §4.4: the response to an unsupported version names the supported one.
            headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        response
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotWebSocket => write!(f, "this resource is a WebSocket: upgrade required"),
            Self::IncompleteUpgrade(missing) => f.write_str(missing),
            Self::MethodNotConnect(method) => {
                write!(
                    f,
                    "this resource is a WebSocket: the method must be CONNECT over HTTP/2, not {method}"
                )
            }
            Self::UnknownProtocol => {
                write!(f, "this resource is a WebSocket: CONNECT must have the :protocol websocket")
            }
            Self::MethodNotGet(method) => {
                write!(f, "the method of a WebSocket handshake must be GET, not {method}")
            }
            Self::MissingVersion(_) => write!(f, "Sec-WebSocket-Version is missing, it must be 13"),
            Self::UnsupportedVersion(version, _) => {
                write!(f, "Sec-WebSocket-Version is {version:?}, it must be 13")
            }
            Self::RepeatedVersion(versions, _) => {
                write!(f, "Sec-WebSocket-Version is repeated: {versions:?}, it must occur once")
            }
            Self::MissingKey => write!(f, "Sec-WebSocket-Key is missing, it must be 16 bytes in base64"),
            Self::RepeatedKey(keys) => {
                write!(f, "Sec-WebSocket-Key is repeated: {keys:?}, it must occur once")
            }
            Self::InvalidKey(key) => {
                write!(f, "Sec-WebSocket-Key is {key:?}, it must be 16 bytes in base64")
            }
            Self::InvalidTarget(target) => write!(f, "the request target is {target:?}, it must be a path"),
            Self::MissingHost => write!(f, "Host is missing, it must occur once"),
            Self::RepeatedHost(hosts) => write!(f, "Host is repeated: {hosts:?}, it must occur once"),
            Self::InvalidHost(host) => {
                write!(f, "Host is {host:?}, it must be a host and an optional port")
            }
            Self::DifferentHost { host, authority } => {
                write!(f, "Host is {host:?}, it must be the same as :authority, which is {authority:?}")
            }
            Self::ForbiddenHost(host) => {
                write!(f, "the host {host:?} is not allowed, see Config::allow_host")
            }
            Self::BodyAnnounced => write!(f, "a WebSocket handshake must have no body"),
            Self::InvalidExtensions(value) => {
                write!(f, "Sec-WebSocket-Extensions is {value:?}, it must be a list of extensions")
            }
            Self::ForbiddenOrigin { origin, host } => {
                write!(
                    f,
                    "the origin {origin:?} is not allowed at the host {host:?}, see Config::allow_origin"
                )
            }
            Self::RepeatedOrigin(origins) => {
                write!(f, "Origin is repeated: {origins:?}, it may occur at most once")
            }
            Self::NotUpgradable => {
                f.write_str("the extensions of the request contain neither OnUpgrade nor PendingIo")
            }
            Self::TooManyConnections => write!(f, "too many WebSockets are open"),
            Self::ShuttingDown => write!(f, "the server is shutting down"),
            Self::Rejected(rejection) => rejection.fmt(f),
            Self::TimedOut(limit) => write!(f, "the handshake service took longer than {limit:?}"),
            Self::Panicked => write!(f, "the handshake service or a predicate panicked"),
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
