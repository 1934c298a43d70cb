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
mod tests;
