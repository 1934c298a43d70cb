//! The response of a service that did not open a WebSocket.

use std::{error::Error, fmt};

use bytes::Bytes;
use http::{Response, StatusCode};

/// The complete response of a service that did not open a WebSocket. Its status is not 101.
///
/// # Examples
///
/// ```
/// use axum::{Json, Router, http::StatusCode, routing::get};
/// use tower_websocket::testing::connect;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let full = get(|| async { (StatusCode::SERVICE_UNAVAILABLE, Json(["room", "full"])) });
/// let rejected = connect(Router::new().route("/ws", full), "/ws").await.unwrap_err();
/// assert_eq!(rejected.status(), StatusCode::SERVICE_UNAVAILABLE);
/// assert_eq!(rejected.body(), r#"["room","full"]"#);
/// assert_eq!(rejected.response().headers()["content-type"], "application/json");
///
/// let response = rejected.into_response();
/// assert_eq!(response.into_body().len(), 15);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Rejected(Box<Response<Bytes>>);

impl Rejected {
    pub(super) fn new(response: Response<Bytes>) -> Self {
        Self(Box::new(response))
    }

    /// Returns the status of the response.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// Returns the body of the response.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn body(&self) -> &Bytes {
        self.0.body()
    }

    /// Returns the response.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn response(&self) -> &Response<Bytes> {
        &self.0
    }

    /// Consumes the error and returns the response.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn into_response(self) -> Response<Bytes> {
        *self.0
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the service answered with {} instead of opening a WebSocket", self.status())
    }
}

impl Error for Rejected {}
