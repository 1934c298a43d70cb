//! The response that refuses a request.

use bytes::Bytes;
use http::Response;

use crate::handshake::{HandshakeError, RefusalCause};

/// The response that refuses a request, with the cause in its extensions.
pub(super) fn refuse(error: HandshakeError) -> Response<Bytes> {
    let cause = RefusalCause::from(&error);
    let mut response = error.into_response();
    response.extensions_mut().insert(cause);
    response
}
