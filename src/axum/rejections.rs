//! Conversions between axum's responses and [`Rejection`].

use axum::{
    body::Body,
    extract::rejection::{
        BytesRejection, ExtensionRejection, FormRejection, MatchedPathRejection, NestedPathRejection,
        PathRejection, QueryRejection, RawFormRejection, RawPathParamsRejection, StringRejection,
    },
    response::{ErrorResponse, IntoResponse, Response},
};

use crate::handshake::{HandshakeError, Rejection};

/// A handshake service can return `axum::response::Result`, in which `?` accepts every response.
impl From<ErrorResponse> for Rejection {
    fn from(error: ErrorResponse) -> Self {
        Self::from(Err::<(), _>(error).into_response())
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        self.into_response().map(Body::new)
    }
}

impl IntoResponse for HandshakeError {
    fn into_response(self) -> Response {
        self.into_response().map(Body::new)
    }
}

/// Converts an extractor's rejection: its response is sent, and its text is the
/// [`source`](std::error::Error::source).
macro_rules! from_rejection {
    ($($rejection:ty),* $(,)?) => {$(
        impl From<$rejection> for Rejection {
            fn from(rejection: $rejection) -> Self {
                let text = rejection.to_string();
                Self::from(rejection.into_response()).with_source(text)
            }
        }
    )*};
}

from_rejection! {
    BytesRejection,
    ExtensionRejection,
    FormRejection,
    MatchedPathRejection,
    NestedPathRejection,
    PathRejection,
    QueryRejection,
    RawFormRejection,
    RawPathParamsRejection,
    StringRejection,
}
