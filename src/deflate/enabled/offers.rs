//! The offers of a client, and their acceptance by a server.

use http::{HeaderMap, HeaderValue, header::SEC_WEBSOCKET_EXTENSIONS};
use tungstenite::protocol::Role;

use super::{NegotiatedDeflate, Settings, params::Params};
use crate::header::extensions;

/// The offers of permessage-deflate in a request, if compression is configured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offers {
    offers: Vec<Params>,
    settings: Settings,
}

impl Offers {
    pub(crate) fn new(request: &HeaderMap, settings: &Settings) -> Self {
        match &settings.0 {
            Some(_) if request.contains_key(SEC_WEBSOCKET_EXTENSIONS) => Self {
                offers: extensions(request).flatten().filter_map(Params::parse).collect(),
                settings: settings.clone(),
            },
            _ => Self::default(),
        }
    }

    /// Returns the answer to the first acceptable offer.
    pub(crate) fn answer(&self) -> Option<HeaderValue> {
        let deflate = self.settings.0.as_ref()?;
        let params = self.offers.iter().find_map(|offer| offer.answer(deflate))?;
        Some(params.header_value())
    }

    /// Returns the parameters that a response selects. Removes extensions from it that the client
    /// did not offer, and all if one has invalid syntax.
    pub(crate) fn settle(&self, response: &mut HeaderMap) -> NegotiatedDeflate {
        if !response.contains_key(SEC_WEBSOCKET_EXTENSIONS) {
            return NegotiatedDeflate::default();
        }
        let selected = extensions(response).collect::<Result<Vec<_>, _>>().unwrap_or_default();
        let params = selected.into_iter().find_map(Params::parse);
        let params = params.filter(|params| self.offers.iter().any(|offer| params.answers(offer)));
        match params {
            Some(params) => response.insert(SEC_WEBSOCKET_EXTENSIONS, params.header_value()),
            None => response.remove(SEC_WEBSOCKET_EXTENSIONS),
        };
        NegotiatedDeflate::new(Role::Server, params, &self.settings)
    }
}

#[cfg(test)]
mod tests;
