//! The offers of a client's request, and the check of the response (RFC 6455 §4.1, RFC 8441 §5).

use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_PROTOCOL, UPGRADE},
};

use super::{
    ResponseError,
    protocol::Offered,
    response::{NegotiatedHeaders, SuccessResponse},
};
use crate::{
    deflate::OwnOffer,
    header::{has_token, joined, members, single},
};

/// The offers of a client's request.
#[derive(Debug)]
pub(crate) struct Offer {
    /// The response that accepts the request.
    acceptance: SuccessResponse,
    protocols: Offered,
    deflate: OwnOffer,
}

impl Offer {
    /// Creates the offer of an HTTP/1.1 request. `accept` is the `Sec-WebSocket-Accept` to expect.
    pub(crate) fn upgrade(request: &HeaderMap, accept: HeaderValue, deflate: OwnOffer) -> Self {
        Self::new(SuccessResponse::SwitchingProtocols(accept), request, deflate)
    }

    /// Creates the offer of an HTTP/2 request.
    #[cfg(feature = "http2")]
    pub(crate) fn extended_connect(request: &HeaderMap, deflate: OwnOffer) -> Self {
        Self::new(SuccessResponse::Ok, request, deflate)
    }

    fn new(acceptance: SuccessResponse, request: &HeaderMap, deflate: OwnOffer) -> Self {
        Self { acceptance, protocols: Offered::new(request.get_all(SEC_WEBSOCKET_PROTOCOL)), deflate }
    }

    /// Checks a response, and returns the negotiated headers.
    pub(crate) fn check(
        &self,
        status: StatusCode,
        response: &HeaderMap,
    ) -> Result<NegotiatedHeaders, ResponseError> {
        if status != self.acceptance.status() {
            return Err(ResponseError::Status(status));
        }
        if let SuccessResponse::SwitchingProtocols(accept) = &self.acceptance {
            check_upgrade(response)?;
            check_accept(response, accept)?;
        }
        let deflate = self
            .deflate
            .accept(response)
            .ok_or_else(|| ResponseError::ExtensionNotOffered(joined(response, &SEC_WEBSOCKET_EXTENSIONS)))?;
        Ok(NegotiatedHeaders { protocol: self.check_protocol(response)?, deflate })
    }

    fn check_protocol(&self, response: &HeaderMap) -> Result<Option<HeaderValue>, ResponseError> {
        match single(response, &SEC_WEBSOCKET_PROTOCOL).map_err(ResponseError::RepeatedProtocol)? {
            Some(protocol) if !self.protocols.contains(protocol) => {
                Err(ResponseError::ProtocolNotOffered(protocol.clone()))
            }
            protocol => Ok(protocol.cloned()),
        }
    }
}

/// Items 2 and 3. An `Upgrade` with several protocols is an upgrade to another one as well.
fn check_upgrade(response: &HeaderMap) -> Result<(), ResponseError> {
    let mut protocols = members(response, &UPGRADE);
    if !response.contains_key(UPGRADE) {
        return Err(ResponseError::MissingUpgrade);
    }
    let is_websocket = |protocol: &[u8]| protocol.eq_ignore_ascii_case(b"websocket");
    if !protocols.next().is_some_and(is_websocket) || protocols.next().is_some() {
        return Err(ResponseError::WrongUpgrade(joined(response, &UPGRADE)));
    }
    if !response.contains_key(CONNECTION) {
        return Err(ResponseError::MissingConnection);
    }
    if !has_token(response, &CONNECTION, "upgrade") {
        return Err(ResponseError::WrongConnection(joined(response, &CONNECTION)));
    }
    Ok(())
}

/// Item 4.
fn check_accept(response: &HeaderMap, expected: &HeaderValue) -> Result<(), ResponseError> {
    match single(response, &SEC_WEBSOCKET_ACCEPT).map_err(ResponseError::RepeatedAccept)? {
        None => Err(ResponseError::MissingAccept),
        Some(accept) if accept == expected => Ok(()),
        Some(accept) => {
            Err(ResponseError::WrongAccept { received: accept.clone(), expected: expected.clone() })
        }
    }
}

#[cfg(test)]
mod tests;
