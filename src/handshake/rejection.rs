//! A handshake service's rejection.

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

/// A handshake service's rejection: the response that the client gets, and what caused it.
///
/// Any response will do; most rejections are written as what they are made from:
///
/// | from | the response |
/// | --- | --- |
/// | [`StatusCode`] | that status, no body |
/// | `(StatusCode, text)` | that status, the text as `text/plain` |
/// | [`Response<B>`](Response), `B` any [`Body`], such as axum's | that response; [`new`](Self::new) takes bytes and text |
/// | `&str`, `String` | 500 with no body; the text is the [`source`](Error::source), which is logged |
/// | [`BoxError`], as tower's middleware returns | the `Rejection` in its chain of sources, if there is one; 503 for tower's timeout and load shedding; else 500 with no body, as an unknown error's text is not the client's business |
/// | a rejection of one of axum's extractors, axum's `ErrorResponse` (feature `axum`) | what axum would answer |
///
/// A service with an error type of its own implements `From<ItsError> for Rejection`. Without the
/// feature `axum`, a rejection of one of its extractors is a response too:
/// `extracted.map_err(IntoResponse::into_response)?`. With it, `?` alone is enough, and a handshake
/// service may return `axum::response::Result<Response<T>>`, where `?` takes every response.
///
/// `Content-Length` and `Transfer-Encoding` are taken out, as the server sets them to what the body
/// needs; a status that has no body (204, 205, 304) loses it. A status that cannot reject (any 1xx,
/// over HTTP/2 any 2xx too) is sent as 500.
#[derive(Clone, Debug)]
pub struct Rejection(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    response: Response<RejectionBody>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Rejection {
    /// Rejects with `response`, whose body is bytes or text.
    pub fn new(response: Response<impl Into<Bytes>>) -> Self {
        Self::whole(response.map(RejectionBody::from))
    }

    /// Makes the response one that any server can send as a whole.
    fn whole(mut response: Response<RejectionBody>) -> Self {
        // Over HTTP/2 a length that is not the body's is an error of the stream, on a raw one it
        // misleads the client.
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

    /// Makes a 500 of a status that cannot reject, which is then the cause.
    fn fail(&mut self) {
        let Inner { response, source } = &mut *self.0;
        let status = std::mem::replace(response.status_mut(), StatusCode::INTERNAL_SERVER_ERROR);
        source.get_or_insert_with(|| BoxError::from(format!("{status} cannot reject")).into());
    }

    /// Makes of it what rejects a request of this `kind`.
    pub(super) fn over(mut self, kind: HandshakeKind) -> Self {
        if kind == HandshakeKind::ExtendedConnect {
            // RFC 8441 §5: any 2xx accepts. Servers, too, hand the stream over for any.
            if self.status().is_success() {
                self.fail();
            }
            strip_connection(self.0.response.headers_mut());
        }
        self
    }

    /// Keeps what caused the rejection: it is [`source`](Error::source) and is logged, never sent.
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into().into());
        self
    }

    /// Returns the status of the response.
    pub fn status(&self) -> StatusCode {
        self.0.response.status()
    }

    /// Returns the response that the client gets.
    pub fn response(&self) -> &Response<RejectionBody> {
        &self.0.response
    }

    /// Returns the response that the client gets.
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
    fn a_rejection_is_made_from_what_it_is_made_of() {
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
    fn any_body_rejects() {
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
    fn a_text_is_500_and_kept_to_the_log() {
        for rejection in [Rejection::from("secret"), Rejection::from(String::from("secret"))] {
            assert_eq!(rejection.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(rejection.source().unwrap().to_string(), "secret");
            assert_eq!(text_of(rejection), "");
        }
    }

    #[test]
    fn the_length_is_left_to_the_server() {
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
    fn a_status_without_content_has_no_body() {
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
    fn an_unknown_error_is_500_and_keeps_its_text_to_itself() {
        let error: BoxError = io::Error::other("password=hunter2").into();
        let rejection = Rejection::from(error);
        assert_eq!(rejection.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(rejection.source().unwrap().to_string(), "password=hunter2");
        assert_eq!(text_of(rejection), "");
    }

    #[test]
    fn towers_own_errors_are_503() {
        for error in [
            BoxError::from(tower::timeout::error::Elapsed::new()),
            BoxError::from(tower::load_shed::error::Overloaded::new()),
        ] {
            assert_eq!(Rejection::from(error).status(), StatusCode::SERVICE_UNAVAILABLE);
        }
    }

    #[test]
    fn a_rejection_survives_being_boxed_by_middleware() {
        let boxed: BoxError = Rejection::from((StatusCode::CONFLICT, "taken")).into();
        assert_eq!(text_of(boxed.into()), "taken");

        let inner = Rejection::from(StatusCode::CONFLICT);
        let wrapped: BoxError = io::Error::other(inner).into();
        // `io::Error` shows its payload's source, not the payload: nothing to find, and no guess.
        assert_eq!(Rejection::from(wrapped).status(), StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn an_informational_status_cannot_reject() {
        let rejection = Rejection::from(StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(rejection.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(rejection.source().unwrap().to_string(), "101 Switching Protocols cannot reject");
    }

    #[test]
    fn a_successful_status_rejects_over_http_1_1_only() {
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
    fn a_rejection_keeps_its_connection_headers_over_http_1_1_only() {
        let response = Response::builder().status(403).header("connection", "close").body("").unwrap();
        let rejection = Rejection::new(response).over(HandshakeKind::Upgrade);
        assert_eq!(rejection.response().headers().len(), 1);
        assert!(rejection.over(HandshakeKind::ExtendedConnect).response().headers().is_empty());
    }
}
