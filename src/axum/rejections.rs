//! Conversions between axum's responses and a `Rejection`.

use axum::{
    body::Body,
    extract::rejection::{
        BytesRejection, ExtensionRejection, FormRejection, MatchedPathRejection, NestedPathRejection,
        PathRejection, QueryRejection, RawFormRejection, RawPathParamsRejection, StringRejection,
    },
    response::{ErrorResponse, IntoResponse, Response},
};

use crate::handshake::{HandshakeError, Rejection};

/// A handshake service may return `axum::response::Result`, whose `?` takes everything that is a
/// response.
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

/// What an extractor rejects with is sent, and is the [`source`](std::error::Error::source).
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
