//! The request that opens a WebSocket (RFC 6455 §4.1).

use std::collections::HashSet;

use http::{
    HeaderMap, HeaderValue, Method, Request, Uri,
    header::{
        CONNECTION, CONTENT_LENGTH, HOST, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
        SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
    },
    request::Parts,
    uri::PathAndQuery,
};
#[cfg(feature = "http2")]
use http::{
    Version,
    uri::{self, Authority, Scheme},
};

use super::RequestError;
use crate::{
    deflate::{self, OwnOffer},
    handshake::{Offer, accept_key},
    header::{HostPort, members, single, strip_connection},
    http1::encode_headers,
};

/// A request that opens a WebSocket, and the offers in it.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) parts: Parts,
    pub(super) offer: Offer,
}

impl Opening {
    /// Creates the request for an upgrade over HTTP/1.1. `key` must not have been used before.
    pub(super) fn upgrade(
        request: Request<()>,
        key: HeaderValue,
        protocols: &[HeaderValue],
        deflate: &deflate::Settings,
    ) -> Result<Self, RequestError> {
        let mut parts = check(request)?;
        let host = take_host(&mut parts)?;
        let path = parts.uri.path_and_query().cloned();
        parts.uri = path.unwrap_or(PathAndQuery::from_static("/")).into();

        let accept = accept_key(&key);
        let deflate = OwnOffer::new(deflate);
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host);
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_KEY, key);
        add_offers(&mut parts.headers, protocols, &deflate);
        headers.extend(parts.headers);
        parts.headers = headers;
        let offer = Offer::upgrade(&parts.headers, accept, deflate);
        Ok(Self { parts, offer })
    }

    /// Creates the extended `CONNECT` over HTTP/2 (RFC 8441 §5).
    #[cfg(feature = "http2")]
    pub(super) fn extended_connect(
        request: Request<()>,
        protocols: &[HeaderValue],
        deflate: &deflate::Settings,
    ) -> Result<Self, RequestError> {
        let mut parts = check(request)?;
        let scheme = match parts.uri.scheme_str() {
            Some("ws" | "http") => Scheme::HTTP,
            Some("wss" | "https") => Scheme::HTTPS,
            _ => return Err(RequestError::InvalidScheme(parts.uri.to_string())),
        };
        let host = take_host(&mut parts)?;
        let invalid = |host: &HeaderValue| RequestError::InvalidHost(host.clone());
        let mut uri = uri::Parts::default();
        uri.scheme = Some(scheme);
        uri.authority = Some(Authority::try_from(host.as_bytes()).map_err(|_| invalid(&host))?);
        uri.path_and_query = Some(target(&parts.uri));
        parts.uri = Uri::from_parts(uri).map_err(|_| invalid(&host))?;
        parts.method = Method::CONNECT;
        parts.version = Version::HTTP_2;
        parts.extensions.insert(hyper::ext::Protocol::from_static("websocket"));
        let deflate = OwnOffer::new(deflate);
        add_offers(&mut parts.headers, protocols, &deflate);
        let offer = Offer::extended_connect(&parts.headers, deflate);
        Ok(Self { parts, offer })
    }

    /// Returns the head of the request.
    pub(super) fn encode(&self, is_canonical: bool) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512);
        for part in ["GET ", target(&self.parts.uri).as_str(), " HTTP/1.1\r\n"] {
            bytes.extend_from_slice(part.as_bytes());
        }
        encode_headers(&self.parts.headers, is_canonical, &mut bytes);
        bytes
    }
}

/// Checks the method and the target of a request, and removes headers that belong to another
/// connection.
fn check(request: Request<()>) -> Result<Parts, RequestError> {
    let (mut parts, ()) = request.into_parts();
    if parts.method != Method::GET {
        return Err(RequestError::MethodNotGet(parts.method));
    }
    // A URI that is only an authority stands for the path `/`.
    let is_authority = parts.uri.authority().is_some() && parts.uri.path().is_empty();
    if !is_authority && !parts.uri.path().starts_with('/') {
        return Err(RequestError::InvalidTarget(parts.uri.to_string()));
    }
    strip_connection(&mut parts.headers);
    for name in [CONTENT_LENGTH, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY] {
        parts.headers.remove(name);
    }
    Ok(parts)
}

/// Returns the host of the request: the value of `Host`, which is removed, or the authority of the
/// URI.
fn take_host(parts: &mut Parts) -> Result<HeaderValue, RequestError> {
    single(&parts.headers, &HOST).map_err(RequestError::RepeatedHost)?;
    let host = match parts.headers.remove(HOST) {
        Some(host) => host,
        None => host_of(&parts.uri).ok_or(RequestError::MissingHost)?,
    };
    match HostPort::parse(host.as_bytes()) {
        Some(_) => Ok(host),
        None => Err(RequestError::InvalidHost(host)),
    }
}

/// Returns the path and the query of a URI. An empty path is `/` (RFC 6455 §3, RFC 9113 §8.3.1).
fn target(uri: &Uri) -> PathAndQuery {
    let target = uri.path_and_query().map_or("", PathAndQuery::as_str);
    let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
    PathAndQuery::try_from(target).expect("it is part of a URI")
}

/// Returns the authority of a URI without user information.
fn host_of(uri: &Uri) -> Option<HeaderValue> {
    let authority = uri.authority()?.as_str();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    HeaderValue::from_str(host).ok()
}

/// Adds the offers and the version.
fn add_offers(headers: &mut HeaderMap, protocols: &[HeaderValue], deflate: &OwnOffer) {
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    if let Some(protocols) = all_protocols(headers, protocols) {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, protocols);
    } else {
        headers.remove(SEC_WEBSOCKET_PROTOCOL);
    }
    if let Some(deflate) = deflate.value() {
        headers.insert(SEC_WEBSOCKET_EXTENSIONS, deflate);
    }
}

/// Returns the subprotocols of the request's header, then `protocols`. None is empty or repeated
/// (RFC 6455 §4.1 item 10). They are on one line, because some servers read only one of several.
fn all_protocols(headers: &HeaderMap, protocols: &[HeaderValue]) -> Option<HeaderValue> {
    let mut seen = HashSet::new();
    let own = members(headers, &SEC_WEBSOCKET_PROTOCOL);
    let all: Vec<_> = own
        .chain(protocols.iter().map(HeaderValue::as_bytes))
        .filter(|protocol| seen.insert(*protocol))
        .collect();
    let line = || HeaderValue::from_bytes(&all.join(&b", "[..])).expect("they are parts of headers' values");
    (!all.is_empty()).then(line)
}

#[cfg(test)]
mod tests;
