//! The selection of a subprotocol (RFC 6455 §1.9 and §4.2.2).

use http::{
    HeaderMap, HeaderValue,
    header::{GetAll, SEC_WEBSOCKET_PROTOCOL},
};

use crate::header::tokens;

/// The subprotocols that a client offers, in the client's order of preference.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offered(HeaderMap);

impl Offered {
    pub(crate) fn new(lines: GetAll<'_, HeaderValue>) -> Self {
        // An empty `HeaderMap` does not allocate. Most requests offer no subprotocol.
        let mut offered = HeaderMap::new();
        for line in lines {
            offered.append(SEC_WEBSOCKET_PROTOCOL, line.clone());
        }
        Self(offered)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        tokens(&self.0, &SEC_WEBSOCKET_PROTOCOL)
    }

    /// Returns the first of `preferred` that the client offers. Names are case-sensitive (RFC 6455
    /// §4.2.2).
    pub(crate) fn select<P: AsRef<str>>(
        &self,
        preferred: impl IntoIterator<Item = P>,
    ) -> Option<HeaderValue> {
        preferred.into_iter().find_map(|preferred| {
            let protocol = self.iter().find(|offered| *offered == preferred.as_ref())?;
            HeaderValue::from_str(protocol).ok()
        })
    }

    pub(crate) fn contains(&self, protocol: &HeaderValue) -> bool {
        self.iter().any(|offered| offered.as_bytes() == protocol.as_bytes())
    }
}

#[cfg(test)]
mod tests;
