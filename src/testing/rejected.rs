//! The response of a service that opened no socket.

use std::{error::Error, fmt};

use bytes::Bytes;
use http::{Response, StatusCode};

/// The whole response of a service that opened no WebSocket: any status but 101.
#[derive(Clone, Debug)]
pub struct Rejected(Box<Response<Bytes>>);

impl Rejected {
    pub(super) fn new(response: Response<Bytes>) -> Self {
        Self(Box::new(response))
    }

    /// Returns the status of the response.
    pub fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// Returns the body of the response.
    pub fn body(&self) -> &Bytes {
        self.0.body()
    }

    /// Returns the response.
    pub fn response(&self) -> &Response<Bytes> {
        &self.0
    }

    /// Returns the response.
    pub fn into_response(self) -> Response<Bytes> {
        *self.0
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no WebSocket, but {}", self.status())
    }
}

impl Error for Rejected {}
