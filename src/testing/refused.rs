//! The response of a service that opened no socket.

use std::{error::Error, fmt, ops::Deref};

use bytes::Bytes;
use http::Response;

/// The whole response of a service that opened no WebSocket: any status but 101.
#[derive(Clone, Debug)]
pub struct Refused(Box<Response<Bytes>>);

impl Refused {
    pub(super) fn new(response: Response<Bytes>) -> Self {
        Self(Box::new(response))
    }

    /// Returns the response.
    pub fn into_response(self) -> Response<Bytes> {
        *self.0
    }
}

impl Deref for Refused {
    type Target = Response<Bytes>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no WebSocket, but {}", self.status())
    }
}

impl Error for Refused {}
