//! The body of the request that a handshake service gets.

use http::{
    HeaderValue, Response,
    header::{SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL},
};

use super::{HandshakeKind, protocol::Offered, request::UpgradeRequest};

/// The body of the request that a handshake service gets: the prebuilt response, and the client's
/// offers.
///
/// The service opens the WebSocket by returning [`accept`](Self::accept). Before that, it can
/// change the headers of the response and select a subprotocol.
///
/// A response with another status than the prebuilt one rejects the request. Only the status and
/// the headers of such a response are sent, because its body is the attached value.
/// `Content-Length` and `Transfer-Encoding` are removed. Return a [`Rejection`](crate::Rejection)
/// to send a body.
///
/// # HTTP/2
///
/// WebSockets over HTTP/2 (RFC 8441) use the same handshake service, with these differences:
///
/// - The method of the request is `CONNECT`, not `GET`, and its version is `HTTP_2` or `HTTP_3`.
///   Its URI contains the scheme and the authority, and `Host` may be missing. The headers
///   `Connection`, `Upgrade` and `Sec-WebSocket-Key` are not present.
/// - The status of the prebuilt response is 200, not 101, and it has no headers.
/// - Every 2xx status would open the WebSocket for the client. A rejection with a 2xx status or
///   with 101 is therefore sent as 500.
/// - Headers that belong to a connection, such as `Connection`, are never sent.
///
/// [`kind`](Self::kind) returns which of the two ways the client uses.
///
/// # Examples
///
/// ```
/// use http::{Request, Response, StatusCode};
/// use tower_websocket::{Handshake, Rejection};
///
/// async fn handshake(request: Request<Handshake>) -> Result<Response<String>, Rejection> {
///     let user = request.headers().get("x-user").ok_or(StatusCode::UNAUTHORIZED)?;
///     let user = user.to_str().map_err(|_| (StatusCode::BAD_REQUEST, "x-user is not ASCII"))?;
///     let user = user.to_owned();
///     let mut handshake = request.into_body();
///     handshake.select_protocol(["v2.chat", "v1.chat"]);
///     handshake.response_mut().headers_mut().insert("x-server", "1".parse().unwrap());
///     Ok(handshake.accept(user))
/// }
/// ```
#[derive(Debug)]
pub struct Handshake {
    kind: HandshakeKind,
    response: Response<()>,
    offered: Offered,
}

impl Handshake {
    /// `extensions` is the value of `Sec-WebSocket-Extensions` in the prebuilt response.
    pub(crate) fn new(request: UpgradeRequest, extensions: Option<HeaderValue>) -> Self {
        let UpgradeRequest { acceptance, offered } = request;
        let kind = acceptance.kind();
        let mut response = acceptance.prebuilt();
        if let Some(extensions) = extensions {
            response.headers_mut().insert(SEC_WEBSOCKET_EXTENSIONS, extensions);
        }
        Self { kind, response, offered }
    }

    /// Returns how the client asks for the WebSocket: by an HTTP/1.1 upgrade or by an extended
    /// CONNECT.
    ///
    /// See the [example](HandshakeKind#examples) of `HandshakeKind`.
    pub fn kind(&self) -> HandshakeKind {
        self.kind
    }

    /// Returns the prebuilt response: over HTTP/1.1 a `101 Switching Protocols` with the headers
    /// that RFC 6455 §4.2.2 requires, over HTTP/2 a 200 without headers.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::{Request, Response};
    /// use tower_websocket::{Handshake, Rejection};
    ///
    /// async fn handshake(request: Request<Handshake>) -> Result<Response<()>, Rejection> {
    ///     let handshake = request.into_body();
    ///     println!("accepting with {}", handshake.response().status());
    ///     Ok(handshake.accept(()))
    /// }
    /// ```
    pub fn response(&self) -> &Response<()> {
        &self.response
    }

    /// Returns the prebuilt response for modification.
    ///
    /// Before an accepting response is sent, these headers are corrected, because with other values
    /// the client would have to fail the connection (RFC 6455 §4.1):
    ///
    /// - `Connection`, `Upgrade` and `Sec-WebSocket-Accept` are restored. Over HTTP/2 they are
    ///   removed.
    /// - A `Sec-WebSocket-Protocol` that the client did not offer is removed.
    /// - A `Sec-WebSocket-Extensions` that does not match an offer of the client is removed.
    ///
    /// If compression is configured and the client offers it, `Sec-WebSocket-Extensions` is set in
    /// the prebuilt response. Its final value counts: if the header is removed, compression is off,
    /// and changed parameters are used if an offer allows them.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn response_mut(&mut self) -> &mut Response<()> {
        &mut self.response
    }

    /// Returns the subprotocols that the client offers, in the client's order of preference.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::{Request, Response, StatusCode};
    /// use tower_websocket::{Handshake, Rejection};
    ///
    /// async fn handshake(request: Request<Handshake>) -> Result<Response<()>, Rejection> {
    ///     let handshake = request.into_body();
    ///     if !handshake.offered_protocols().any(|name| name.starts_with("graphql-")) {
    ///         return Err((StatusCode::BAD_REQUEST, "a GraphQL subprotocol is required\n").into());
    ///     }
    ///     Ok(handshake.accept(()))
    /// }
    /// ```
    pub fn offered_protocols(&self) -> impl Iterator<Item = &str> {
        self.offered.iter()
    }

    /// Selects the first of the `preferred` subprotocols that the client offers, and returns it.
    ///
    /// Returns `None` and leaves the response unchanged if the client offers none of them. The
    /// connection then opens without a subprotocol, unless the service rejects it.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn select_protocol<P: AsRef<str>>(&mut self, preferred: impl IntoIterator<Item = P>) -> Option<&str> {
        let protocol = self.offered.select(preferred)?;
        self.response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        self.response.headers()[SEC_WEBSOCKET_PROTOCOL].to_str().ok()
    }

    /// Returns the accepting response, with a value for the handler.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn accept<T>(self, extra: T) -> Response<T> {
        self.response.map(|()| extra)
    }
}
