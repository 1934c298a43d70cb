//! The check of a client's opening handshake (RFC 6455 §4.2.1, RFC 8441 §5).

use http::{
    HeaderMap, HeaderValue, Method, Request, Uri,
    header::{
        CONTENT_LENGTH, HOST, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
        SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING,
    },
    request::Parts,
};

use super::{HandshakeError, HandshakeKind, authority, key, protocol::Offered, response::SuccessResponse};
use crate::header::{HostPort, extensions, joined, single};

/// A request that follows all rules of its [`HandshakeKind`].
#[derive(Debug)]
pub(crate) struct UpgradeRequest {
    /// The response that accepts the request.
    pub(crate) acceptance: SuccessResponse,
    /// The subprotocols that the client offers.
    pub(crate) offered: Offered,
}

/// Returns how a request asks for a WebSocket.
pub(crate) fn kind_of<B>(request: &Request<B>) -> Result<HandshakeKind, HandshakeError> {
    HandshakeKind::of(request).ok_or_else(|| HandshakeError::not_websocket(request))
}

impl UpgradeRequest {
    /// Checks a request that asks for a WebSocket as `kind` describes.
    pub(crate) fn parse(parts: &Parts, kind: HandshakeKind) -> Result<Self, HandshakeError> {
        let headers = &parts.headers;
        if kind == HandshakeKind::Upgrade && parts.method != Method::GET {
            return Err(HandshakeError::MethodNotGet(parts.method.clone()));
        }
        check_target(&parts.uri)?;
        match single(headers, &SEC_WEBSOCKET_VERSION) {
            Ok(None) => return Err(HandshakeError::MissingVersion(kind)),
            Ok(Some(version)) if version.as_bytes() == b"13" => {}
            Ok(Some(version)) => return Err(HandshakeError::UnsupportedVersion(version.clone(), kind)),
            Err(versions) => return Err(HandshakeError::RepeatedVersion(versions, kind)),
        }
        let acceptance = match kind {
            HandshakeKind::Upgrade => SuccessResponse::SwitchingProtocols(check_key(headers)?),
            // RFC 8441 §5: `:protocol` replaces the key. A key is ignored.
            HandshakeKind::ExtendedConnect => SuccessResponse::Ok,
        };
        check_host(parts, kind)?;
        if announces_body(headers, kind) {
            return Err(HandshakeError::BodyAnnounced);
        }
        if extensions(headers).any(|extension| extension.is_err()) {
            return Err(HandshakeError::InvalidExtensions(joined(headers, &SEC_WEBSOCKET_EXTENSIONS)));
        }
        Ok(Self { acceptance, offered: Offered::new(headers.get_all(SEC_WEBSOCKET_PROTOCOL)) })
    }
}

/// Returns the `Sec-WebSocket-Accept` for the client's key.
fn check_key(headers: &HeaderMap) -> Result<HeaderValue, HandshakeError> {
    match single(headers, &SEC_WEBSOCKET_KEY).map_err(HandshakeError::RepeatedKey)? {
        None => Err(HandshakeError::MissingKey),
        Some(key) if key::is_valid(key) => Ok(key::accept(key)),
        Some(key) => Err(HandshakeError::InvalidKey(key.clone())),
    }
}

/// Checks that the target is a path or an absolute URI, not `*` or only an authority (RFC 9112
/// §3.2).
fn check_target(uri: &Uri) -> Result<(), HandshakeError> {
    let is_authority_alone = uri.scheme().is_none() && uri.authority().is_some();
    if is_authority_alone || !uri.path().starts_with('/') {
        return Err(HandshakeError::InvalidTarget(uri.to_string()));
    }
    Ok(())
}

fn check_host(parts: &Parts, kind: HandshakeKind) -> Result<(), HandshakeError> {
    let host = single(&parts.headers, &HOST).map_err(HandshakeError::RepeatedHost)?;
    let authority = parts.uri.authority().map(|authority| authority.as_str());
    let parse = |bytes| {
        let invalid = || HeaderValue::from_bytes(bytes).unwrap_or(HeaderValue::from_static(""));
        HostPort::parse(bytes).ok_or_else(|| HandshakeError::InvalidHost(invalid()))
    };
    let of_target = authority.map(|authority| parse(authority.as_bytes())).transpose()?;
    let of_header = host.map(|host| parse(host.as_bytes())).transpose()?;
    match (kind, host, of_target.zip(of_header)) {
        // RFC 9112 §3.2: `Host` is required, even if the target is an absolute URI, whose host then
        // has precedence.
        (HandshakeKind::Upgrade, None, _) => Err(HandshakeError::MissingHost),
        (HandshakeKind::ExtendedConnect, None, _) if authority.is_none() => Err(HandshakeError::MissingHost),
        (HandshakeKind::ExtendedConnect, Some(host), Some((of_target, of_header))) => {
            let default = parts.uri.scheme_str().and_then(authority::default_port);
            if of_target.is_same(&of_header, default) {
                return Ok(());
            }
            let authority = HeaderValue::from_str(authority.unwrap_or_default());
            let authority = authority.unwrap_or(HeaderValue::from_static(""));
            Err(HandshakeError::DifferentHost { host: host.clone(), authority })
        }
        _ => Ok(()),
    }
}

/// Returns whether the request announces bytes that are not frames.
///
/// Over HTTP/2 the frames are the body of the request. Even a length of 0 would be an error with
/// the first frame (RFC 9113 §8.1.1).
fn announces_body(headers: &HeaderMap, kind: HandshakeKind) -> bool {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    match kind {
        HandshakeKind::Upgrade => {
            headers.contains_key(TRANSFER_ENCODING) || lengths.any(|length| length != "0")
        }
        HandshakeKind::ExtendedConnect => lengths.next().is_some(),
    }
}

#[cfg(test)]
mod tests;
