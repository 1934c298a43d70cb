//! The rejection that a handshake service returns.

use std::{convert::Infallible, error::Error, fmt, sync::Arc};

use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING},
};
use http_body::Body;
use tower::BoxError;

use super::{HandshakeKind, RejectionBody};
use crate::header::strip_connection;

/// The rejection that a handshake service returns: the response for the client, and its cause.
///
/// A `Rejection` is created from one of these values, mostly by `?` or `into`:
///
/// - [`StatusCode`]: a response with that status and no body.
/// - `(StatusCode, text)`: a response with that status and the text as `text/plain`.
/// - [`Response<B>`](Response) with any [`Body`], such as axum's: that response. [`new`](Self::new)
///   takes a response with bytes or text.
/// - `&str` or `String`: a 500 without a body. The text is the [`source`](Error::source), which is
///   logged.
/// - [`BoxError`], which tower's middleware returns: the `Rejection` in its chain of sources, if
///   there is one. Otherwise a 503 for tower's timeout and load shedding, and a 500 without a body
///   for any other error, because the text of an unknown error must not reach the client.
/// - With the feature `axum`, a rejection of axum's extractors, or axum's `ErrorResponse`: the
///   response that axum would send.
///
/// For an error type of your own, implement `From<YourError> for Rejection`.
///
/// With the feature `axum`, a handshake service can also return
/// `axum::response::Result<Response<T>>`, in which `?` accepts every response. Without the feature,
/// `extracted.map_err(IntoResponse::into_response)?` converts an extractor's rejection.
///
/// `Content-Length` and `Transfer-Encoding` are removed, because the server sets them for the body.
/// If the status does not allow a body (204, 205, 304), the body is removed. A status that cannot
/// reject a handshake is sent as 500: any 1xx and, over HTTP/2, any 2xx.
///
/// # Examples
///
/// ```
/// use http::{Request, Response, StatusCode};
/// use tower_websocket::{Handshake, Rejection};
///
/// async fn handshake(request: Request<Handshake>) -> Result<Response<u32>, Rejection> {
///     if request.uri().path() == "/old" {
///         let moved = Response::builder().status(308).header("location", "/new");
///         return Err(Rejection::new(moved.body("").map_err(|error| error.to_string())?));
///     }
///     let token = request.headers().get("authorization").ok_or(StatusCode::UNAUTHORIZED)?;
///     let user = match token.to_str() {
///         Ok("Bearer 1") => 1,
///         _ => return Err((StatusCode::FORBIDDEN, "unknown token\n").into()),
///     };
///     Ok(request.into_body().accept(user))
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Rejection(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    response: Response<RejectionBody>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Rejection {
    /// Creates a rejection from a response whose body is bytes or text.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn new(response: Response<impl Into<Bytes>>) -> Self {
        Self::whole(response.map(RejectionBody::from))
    }

    /// Adjusts the response so that any server can send it.
    fn whole(mut response: Response<RejectionBody>) -> Self {
        // A length that differs from the body's is a stream error in HTTP/2, and misleads the
        // client on a raw stream.
        for name in [CONTENT_LENGTH, TRANSFER_ENCODING] {
            response.headers_mut().remove(name);
        }
        // RFC 9110 §6.4.1 and §15.3.6.
        if [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::NOT_MODIFIED]
            .contains(&response.status())
        {
            *response.body_mut() = RejectionBody::default();
        }
        let mut rejection = Self(Box::new(Inner { response, source: None }));
        if rejection.status().is_informational() {
            rejection.fail();
        }
        rejection
    }

    /// Replaces a status that cannot reject with 500, and records it as the source.
    fn fail(&mut self) {
        let Inner { response, source } = &mut *self.0;
        let status = std::mem::replace(response.status_mut(), StatusCode::INTERNAL_SERVER_ERROR);
        source.get_or_insert_with(|| BoxError::from(format!("{status} cannot reject")).into());
    }

    /// Adjusts the response for a request of this `kind`.
    pub(super) fn over(mut self, kind: HandshakeKind) -> Self {
        if kind == HandshakeKind::ExtendedConnect {
            // RFC 8441 §5: any 2xx accepts. Servers also hand over the stream after any 2xx.
            if self.status().is_success() {
                self.fail();
            }
            strip_connection(self.0.response.headers_mut());
        }
        self
    }

    /// Sets the cause of the rejection. It is the [`source`](Error::source) and is logged, but
    /// never sent.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::{Request, Response, StatusCode};
    /// use tower_websocket::{Handshake, Rejection};
    ///
    /// async fn handshake(request: Request<Handshake>) -> Result<Response<()>, Rejection> {
    ///     tokio::fs::metadata("/run/open")
    ///         .await
    ///         .map_err(|error| Rejection::from(StatusCode::NOT_FOUND).with_source(error))?;
    ///     Ok(request.into_body().accept(()))
    /// }
    /// ```
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into().into());
        self
    }

    /// Returns the status of the response.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::StatusCode;
    /// use tower_websocket::Rejection;
    ///
    /// let rejection = Rejection::from((StatusCode::NOT_FOUND, "no such room"));
    /// assert_eq!(rejection.status(), StatusCode::NOT_FOUND);
    /// assert_eq!(rejection.response().headers()["content-type"], "text/plain; charset=utf-8");
    ///
    /// let response = rejection.into_response();
    /// assert_eq!(response.body().as_bytes().unwrap(), "no such room");
    /// ```
    pub fn status(&self) -> StatusCode {
        self.0.response.status()
    }

    /// Returns the response for the client.
    ///
    /// See the [example](Self::status) of `status`.
    pub fn response(&self) -> &Response<RejectionBody> {
        &self.0.response
    }

    /// Converts the rejection into the response for the client.
    ///
    /// See the [example](Self::status) of `status`.
    pub fn into_response(self) -> Response<RejectionBody> {
        self.0.response
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the handshake service rejected the request with {}", self.status())
    }
}

impl Error for Rejection {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl<B> From<Response<B>> for Rejection
where
    B: Body<Error: Into<BoxError>> + Send + 'static,
{
    fn from(response: Response<B>) -> Self {
        Self::whole(response.map(RejectionBody::new))
    }
}

impl From<StatusCode> for Rejection {
    fn from(status: StatusCode) -> Self {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = status;
        Self::new(response)
    }
}

impl From<(StatusCode, String)> for Rejection {
    fn from((status, text): (StatusCode, String)) -> Self {
        let mut response = Response::new(text);
        *response.status_mut() = status;
        let text_plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, text_plain);
        Self::new(response)
    }
}

impl From<(StatusCode, &str)> for Rejection {
    fn from((status, text): (StatusCode, &str)) -> Self {
        Self::from((status, text.to_owned()))
    }
}

impl From<String> for Rejection {
    fn from(text: String) -> Self {
        Self::from(BoxError::from(text))
    }
}

impl From<&str> for Rejection {
    fn from(text: &str) -> Self {
        Self::from(BoxError::from(text))
    }
}

impl From<BoxError> for Rejection {
    fn from(error: BoxError) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = Some(&*error);
        while let Some(error) = cause {
            if let Some(rejection) = error.downcast_ref::<Self>() {
                return rejection.clone();
            }
            if error.is::<tower::timeout::error::Elapsed>()
                || error.is::<tower::load_shed::error::Overloaded>()
            {
                break;
            }
            cause = error.source();
        }
        let status = match cause {
            Some(_) => StatusCode::SERVICE_UNAVAILABLE,
            None => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::from(status).with_source(error)
    }
}

impl From<Infallible> for Rejection {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, error::Error, io};

    use bytes::Bytes;
    use futures_util::{FutureExt, stream};
    use http::{Response, StatusCode};
    use http_body::{Body, Frame};
    use http_body_util::{BodyExt, Empty, Full, StreamBody};
    use tower::BoxError;

    use super::{HandshakeKind, Rejection};

    #[test]
    fn rejection_has_the_response_that_it_is_created_from() {
        let status = Rejection::from(StatusCode::FORBIDDEN);
        assert_eq!((status.status(), text_of(status)), (StatusCode::FORBIDDEN, "".into()));

        let text = Rejection::from((StatusCode::NOT_FOUND, "no such room"));
        assert_eq!(text.response().headers()["content-type"], "text/plain; charset=utf-8");
        assert_eq!(text_of(text), "no such room");
        let name = String::from("lobby");
        assert_eq!(text_of((StatusCode::NOT_FOUND, &name[1..]).into()), "obby");
        assert_eq!(text_of((StatusCode::NOT_FOUND, name).into()), "lobby");

        let own = Response::builder().status(302).header("location", "/login").body("go").unwrap();
        let own = Rejection::new(own);
        assert_eq!(own.response().headers()["location"], "/login");
        assert_eq!(text_of(own), "go");
    }

    fn text_of(rejection: Rejection) -> String {
        let body = rejection.into_response().into_body().collect().now_or_never().unwrap().unwrap();
        String::from_utf8(body.to_bytes().into()).unwrap()
    }

    #[test]
    fn rejection_can_have_any_body() {
        let parts = ["a", "b"].map(|part| Ok::<_, io::Error>(Frame::data(Bytes::from(part))));
        let stream = StreamBody::new(stream::iter(parts));
        for (rejection, text) in [
            (Rejection::from(Response::new(String::from("text"))), "text"),
            (Rejection::from(Response::new(Full::new(Bytes::from("full")))), "full"),
            (Rejection::from(Response::new(Empty::<Bytes>::new())), ""),
            (Rejection::from(Response::new(stream)), "ab"),
            (Rejection::from(Response::new(axum::body::Body::from("axum"))), "axum"),
            (Rejection::from(Response::new(Full::new(&b"data"[..]).boxed_unsync())), "data"),
        ] {
            assert_eq!(text_of(rejection), text);
        }
    }

    #[test]
    fn text_is_logged_but_not_sent() {
        for rejection in [Rejection::from("secret"), Rejection::from(String::from("secret"))] {
            assert_eq!(rejection.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(rejection.source().unwrap().to_string(), "secret");
            assert_eq!(text_of(rejection), "");
        }
    }

    #[test]
    fn length_headers_are_removed() {
        let response = || {
            let response = Response::builder().header("content-length", "5").header("content-length", "6");
            response.header("transfer-encoding", "chunked").header("x-own", "1")
        };
        for rejection in [
            Rejection::new(response().body("body").unwrap()),
            Rejection::from(response().body(String::from("body")).unwrap()),
        ] {
            assert_eq!(rejection.response().headers().keys().collect::<Vec<_>>(), ["x-own"]);
        }
    }

    #[test]
    fn status_without_content_has_no_body() {
        for (status, expected) in [(200, "body"), (204, ""), (205, ""), (304, ""), (403, "body")] {
            let response = || Response::builder().status(status);
            let stream =
                StreamBody::new(stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from("body")))]));
            for rejection in [
                Rejection::new(response().body("body").unwrap()),
                Rejection::from(response().body(stream).unwrap()),
            ] {
                assert_eq!(rejection.response().body().is_end_stream(), expected.is_empty(), "{status}");
                assert_eq!(text_of(rejection), expected, "{status}");
            }
        }
    }

    #[test]
    fn unknown_error_is_500_without_its_text() {
        let error: BoxError = io::Error::other("password=hunter2").into();
        let rejection = Rejection::from(error);
        assert_eq!(rejection.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(rejection.source().unwrap().to_string(), "password=hunter2");
        assert_eq!(text_of(rejection), "");
    }

    #[test]
    fn errors_of_tower_are_503() {
        for error in [
            BoxError::from(tower::timeout::error::Elapsed::new()),
            BoxError::from(tower::load_shed::error::Overloaded::new()),
        ] {
            assert_eq!(Rejection::from(error).status(), StatusCode::SERVICE_UNAVAILABLE);
        }
    }

    #[test]
    fn rejection_is_found_in_a_boxed_error() {
        let boxed: BoxError = Rejection::from((StatusCode::CONFLICT, "taken")).into();
        assert_eq!(text_of(boxed.into()), "taken");

        let inner = Rejection::from(StatusCode::CONFLICT);
        let wrapped: BoxError = io::Error::other(inner).into();
        // `io::Error::source` is the source of its payload, not the payload, so nothing is found.
        assert_eq!(Rejection::from(wrapped).status(), StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn informational_status_cannot_reject() {
        let rejection = Rejection::from(StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(rejection.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(rejection.source().unwrap().to_string(), "101 Switching Protocols cannot reject");
    }

    #[test]
    fn successful_status_rejects_over_http_1_1_only() {
        for status in [StatusCode::OK, StatusCode::NO_CONTENT] {
            let rejection = Rejection::from((status, "no")).over(HandshakeKind::Upgrade);
            assert_eq!(rejection.status(), status);
            let rejection = rejection.over(HandshakeKind::ExtendedConnect);
            assert_eq!(rejection.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(rejection.source().unwrap().to_string(), format!("{status} cannot reject"));
        }
        let rejection = Rejection::from(StatusCode::FORBIDDEN).over(HandshakeKind::ExtendedConnect);
        assert_eq!(rejection.status(), StatusCode::FORBIDDEN);
    }

    #[test]
    fn rejection_keeps_connection_headers_over_http_1_1_only() {
        let response = Response::builder().status(403).header("connection", "close").body("").unwrap();
        let rejection = Rejection::new(response).over(HandshakeKind::Upgrade);
        assert_eq!(rejection.response().headers().len(), 1);
        assert!(rejection.over(HandshakeKind::ExtendedConnect).response().headers().is_empty());
    }
}
