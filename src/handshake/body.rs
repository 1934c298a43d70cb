//! What a handshake service works on.

use http::{
    HeaderValue, Response,
    header::{SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL},
};

use super::{HandshakeKind, protocol::Offered, request::UpgradeRequest};

/// The body of the request that a handshake service gets: the prebuilt response, and what the
/// client offers.
///
/// Returning [`accept`](Self::accept) opens the WebSocket. Before that the service may change the
/// response's headers and choose a subprotocol:
///
/// ```
/// use http::{Request, Response, StatusCode};
/// use tower_websocket::{Handshake, Rejection};
///
/// async fn handshake(request: Request<Handshake>) -> Result<Response<String>, Rejection> {
///     let user = request.headers().get("x-user").ok_or(StatusCode::UNAUTHORIZED)?;
///     let user = user.to_str().map_err(|_| (StatusCode::BAD_REQUEST, "x-user is not ASCII"))?.to_owned();
///     let mut handshake = request.into_body();
///     handshake.select_protocol(["v2.chat", "v1.chat"]);
///     handshake.response_mut().headers_mut().insert("x-server", "1".parse().unwrap());
///     Ok(handshake.accept(user))
/// }
/// ```
///
/// A response with any status but the prebuilt one answers the client and opens nothing. Of such a
/// response only the status and the headers are sent, as its body is the attached value, and
/// `Content-Length` and `Transfer-Encoding` are taken out; a [`Rejection`](crate::Rejection) has a
/// body of its own.
///
/// # HTTP/2
///
/// WebSockets over HTTP/2 (RFC 8441) come to the same service. This differs for it:
///
/// - The request's method is `CONNECT`, not `GET`, and its version `HTTP_2`, or `HTTP_3`. Its URI
///   has the scheme and the authority, and there need be no `Host`. `Connection`, `Upgrade` and
///   `Sec-WebSocket-Key` are not there.
/// - The prebuilt status is 200, not 101, and the prebuilt response has no headers.
/// - There every 2xx would open the WebSocket for the client, so that a rejection with one is sent
///   as 500. So is a response with the status 101.
/// - Headers that belong to a connection, such as `Connection`, are never sent.
///
/// [`kind`](Self::kind) tells which it is.
#[derive(Debug)]
pub struct Handshake {
    kind: HandshakeKind,
    response: Response<()>,
    offered: Offered,
}

impl Handshake {
    /// `extensions` is what the prebuilt response agrees to.
    pub(crate) fn new(request: UpgradeRequest, extensions: Option<HeaderValue>) -> Self {
        let UpgradeRequest { acceptance, offered } = request;
        let kind = acceptance.kind();
        let mut response = acceptance.prebuilt();
        if let Some(extensions) = extensions {
            response.headers_mut().insert(SEC_WEBSOCKET_EXTENSIONS, extensions);
        }
        Self { kind, response, offered }
    }

    /// Returns how the client asks: over HTTP/1.1 or over HTTP/2.
    pub fn kind(&self) -> HandshakeKind {
        self.kind
    }

    /// Returns the prebuilt response: `101 Switching Protocols` with what RFC 6455 §4.2.2 demands,
    /// over HTTP/2 an empty 200.
    pub fn response(&self) -> &Response<()> {
        &self.response
    }

    /// Returns the prebuilt response, to be changed.
    ///
    /// `Connection`, `Upgrade` and `Sec-WebSocket-Accept` are put right again before an accepting
    /// response is sent; over HTTP/2 that is, taken out. A `Sec-WebSocket-Protocol` that the client
    /// did not offer, and a `Sec-WebSocket-Extensions` that answers no offer of its, are taken out:
    /// the client would have to fail the connection (RFC 6455 §4.1).
    ///
    /// Where compression is configured and the client offers it, `Sec-WebSocket-Extensions` is
    /// there. Its value when the response is sent counts: removing it declines, and other
    /// parameters are kept if an offer allows them.
    pub fn response_mut(&mut self) -> &mut Response<()> {
        &mut self.response
    }

    /// Returns the subprotocols that the client offers, in its order of preference.
    pub fn offered_protocols(&self) -> impl Iterator<Item = &str> {
        self.offered.iter()
    }

    /// Selects the first of `preferred` that the client offers, and returns it.
    ///
    /// `None` leaves the response as it is: the connection opens without a subprotocol unless the
    /// service rejects.
    pub fn select_protocol<P: AsRef<str>>(&mut self, preferred: impl IntoIterator<Item = P>) -> Option<&str> {
        let protocol = self.offered.select(preferred)?;
        self.response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol);
        self.response.headers()[SEC_WEBSOCKET_PROTOCOL].to_str().ok()
    }

    /// Returns the accepting response, with a value for the handler attached.
    pub fn accept<T>(self, extra: T) -> Response<T> {
        self.response.map(|()| extra)
    }
}
