//! A handshake service's refusal.

use std::{convert::Infallible, error::Error, fmt, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE};
use tower::BoxError;

use super::Opening;
use crate::header::strip_connection;

/// A handshake service's refusal: the response that the client gets, and what caused it.
///
/// Any response will do; most refusals are written as what they are made from:
///
/// | from | the response |
/// | --- | --- |
/// | [`StatusCode`] | that status, no body |
/// | `(StatusCode, text)` | that status, the text as `text/plain` |
/// | [`Response<B>`](Response), `B: Into<Bytes>` | that response |
/// | [`BoxError`], as tower's middleware returns | the `Rejection` in its chain of sources, if there is one; 503 for tower's timeout and load shedding; else 500 with no body, as an unknown error's text is not the client's business |
///
/// A service with an error type of its own implements `From<ItsError> for Rejection`.
///
/// A status that cannot refuse (any 1xx, over HTTP/2 any 2xx too) is sent as 500.
#[derive(Clone, Debug)]
pub struct Rejection(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    response: Response<Bytes>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Rejection {
    /// Refuses with `response`.
    pub fn new(response: Response<impl Into<Bytes>>) -> Self {
        let response = response.map(Into::into);
        let mut rejection = Self(Box::new(Inner { response, source: None }));
        if rejection.status().is_informational() {
            rejection.fail();
        }
        rejection
    }

    /// Makes a 500 of a status that cannot refuse, which is then the cause.
    fn fail(&mut self) {
        let Inner { response, source } = &mut *self.0;
        let status = std::mem::replace(response.status_mut(), StatusCode::INTERNAL_SERVER_ERROR);
        source.get_or_insert_with(|| BoxError::from(format!("{status} cannot refuse")).into());
    }

    /// Makes of it what refuses a request with this `opening`.
    pub(super) fn over(mut self, opening: Opening) -> Self {
        if opening == Opening::ExtendedConnect {
            // RFC 8441 §5: any 2xx accepts. Servers, too, hand the stream over for any.
            if self.status().is_success() {
                self.fail();
            }
            strip_connection(self.0.response.headers_mut());
        }
        self
    }

    /// Keeps what caused the refusal: it is [`source`](Error::source) and is logged, never sent.
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into().into());
        self
    }

    /// The status of the response.
    pub fn status(&self) -> StatusCode {
        self.0.response.status()
    }

    /// The response that the client gets.
    pub fn response(&self) -> &Response<Bytes> {
        &self.0.response
    }

    /// The response that the client gets.
    pub fn into_response(self) -> Response<Bytes> {
        self.0.response
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the handshake service refused with {}", self.status())
    }
}

impl Error for Rejection {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl<B: Into<Bytes>> From<Response<B>> for Rejection {
    fn from(response: Response<B>) -> Self {
        Self::new(response)
    }
}

impl From<StatusCode> for Rejection {
    fn from(status: StatusCode) -> Self {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = status;
        Self::new(response)
    }
}

impl<T: Into<Bytes>> From<(StatusCode, T)> for Rejection {
    fn from((status, text): (StatusCode, T)) -> Self {
        let mut response = Response::new(text);
        *response.status_mut() = status;
        let text_plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, text_plain);
        Self::new(response)
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
    use std::{error::Error, io};

    use http::{Response, StatusCode};
    use tower::BoxError;

    use super::{Opening, Rejection};

    #[test]
    fn a_refusal_is_made_from_what_it_is_made_of() {
        let status = Rejection::from(StatusCode::FORBIDDEN);
        assert_eq!((status.status(), &status.response().body()[..]), (StatusCode::FORBIDDEN, &b""[..]));

        let text = Rejection::from((StatusCode::NOT_FOUND, "no such room"));
        assert_eq!(&text.response().body()[..], b"no such room");
        assert_eq!(text.response().headers()["content-type"], "text/plain; charset=utf-8");

        let own = Response::builder().status(302).header("location", "/login").body("go").unwrap();
        let own = Rejection::from(own).into_response();
        assert_eq!(own.headers()["location"], "/login");
    }

    #[test]
    fn an_unknown_error_is_500_and_keeps_its_text_to_itself() {
        let error: BoxError = io::Error::other("password=hunter2").into();
        let rejection = Rejection::from(error);
        assert_eq!(rejection.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(rejection.response().body().is_empty());
        assert_eq!(rejection.source().unwrap().to_string(), "password=hunter2");
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
        assert_eq!(&Rejection::from(boxed).response().body()[..], b"taken");

        let inner = Rejection::from(StatusCode::CONFLICT);
        let wrapped: BoxError = io::Error::other(inner).into();
        // `io::Error` shows its payload's source, not the payload: nothing to find, and no guess.
        assert_eq!(Rejection::from(wrapped).status(), StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[test]
    fn an_informational_status_cannot_refuse() {
        let rejection = Rejection::from(StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(rejection.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(rejection.source().unwrap().to_string(), "101 Switching Protocols cannot refuse");
    }

    #[test]
    fn a_successful_status_refuses_over_http_1_1_only() {
        for status in [StatusCode::OK, StatusCode::NO_CONTENT] {
            let rejection = Rejection::from((status, "no")).over(Opening::Upgrade);
            assert_eq!(rejection.status(), status);
            let rejection = rejection.over(Opening::ExtendedConnect);
            assert_eq!(rejection.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(rejection.source().unwrap().to_string(), format!("{status} cannot refuse"));
        }
        let rejection = Rejection::from(StatusCode::FORBIDDEN).over(Opening::ExtendedConnect);
        assert_eq!(rejection.status(), StatusCode::FORBIDDEN);
    }

    #[test]
    fn a_refusal_keeps_its_connection_headers_over_http_1_1_only() {
        let response = Response::builder().status(403).header("connection", "close").body("").unwrap();
        let rejection = Rejection::new(response).over(Opening::Upgrade);
        assert_eq!(rejection.response().headers().len(), 1);
        assert!(rejection.over(Opening::ExtendedConnect).response().headers().is_empty());
    }
}
