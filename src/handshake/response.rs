//! The accepting response, before and after the handshake service.

use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{
        CONNECTION, CONTENT_LENGTH, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_PROTOCOL, TRANSFER_ENCODING, UPGRADE,
    },
};

use super::{HandshakeKind, protocol::Offered};
use crate::{
    deflate::{NegotiatedDeflate, Offers},
    header::strip_connection,
};

/// The response that accepts a request.
#[derive(Clone, Debug)]
pub(crate) enum SuccessResponse {
    /// A 101 with this `Sec-WebSocket-Accept` (RFC 6455 §4.2.2 item 5).
    SwitchingProtocols(HeaderValue),
    /// A 200 (RFC 8441 §5).
    Ok,
}

impl SuccessResponse {
    /// Returns the only status that accepts.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::SwitchingProtocols(_) => StatusCode::SWITCHING_PROTOCOLS,
            Self::Ok => StatusCode::OK,
        }
    }

    /// Returns the kind of the request.
    pub(crate) fn kind(&self) -> HandshakeKind {
        match self {
            Self::SwitchingProtocols(_) => HandshakeKind::Upgrade,
            Self::Ok => HandshakeKind::ExtendedConnect,
        }
    }

    /// Returns the response that the handshake service gets.
    pub(crate) fn prebuilt(self) -> Response<()> {
        let mut response = Response::new(());
        *response.status_mut() = self.status();
        if let Self::SwitchingProtocols(accept) = self {
            put(accept, response.headers_mut());
        }
        response
    }

    /// Corrects the headers of an accepting response, and returns the negotiated values.
    ///
    /// The handshake service may have built its own response. Headers for which the client would
    /// have to fail the connection (RFC 6455 §4.1) are never sent.
    pub(crate) fn settle(
        self,
        headers: &mut HeaderMap,
        offered: &Offered,
        extensions: &Offers,
    ) -> NegotiatedHeaders {
        match self {
            Self::SwitchingProtocols(accept) => {
                headers.remove(TRANSFER_ENCODING);
                put(accept, headers);
            }
            Self::Ok => {
                strip_connection(headers);
                headers.remove(SEC_WEBSOCKET_ACCEPT);
            }
        }
        // RFC 9110 §8.6: a 1xx, and a 2xx to CONNECT, must not have a length.
        headers.remove(CONTENT_LENGTH);

        let protocol = headers.remove(SEC_WEBSOCKET_PROTOCOL).filter(|protocol| offered.contains(protocol));
        if let Some(protocol) = &protocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, protocol.clone());
        }
        NegotiatedHeaders { protocol, deflate: extensions.settle(headers) }
    }
}

/// The values that an accepting response negotiates.
#[derive(Debug)]
pub(crate) struct NegotiatedHeaders {
    pub(crate) protocol: Option<HeaderValue>,
    pub(crate) deflate: NegotiatedDeflate,
}

fn put(accept: HeaderValue, headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
}

#[cfg(test)]
mod tests;
