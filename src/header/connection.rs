//! Headers that belong to one connection (RFC 9110 §7.6.1).

use http::{
    HeaderMap,
    header::{CONNECTION, HeaderName, TE, TRANSFER_ENCODING, UPGRADE},
};

use super::tokens;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Removes the headers that a response must not have in HTTP/2 (RFC 9113 §8.2.2).
pub(crate) fn strip_connection(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<_> =
            tokens(headers, &CONNECTION).filter_map(|name| HeaderName::try_from(name).ok()).collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in [CONNECTION, KEEP_ALIVE, PROXY_CONNECTION, TE, TRANSFER_ENCODING, UPGRADE] {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests;
