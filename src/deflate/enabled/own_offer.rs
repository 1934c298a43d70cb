//! The offer of this side as a client, and its acceptance.

use http::{HeaderMap, HeaderValue};
use tungstenite::protocol::Role;

use super::{NegotiatedDeflate, Settings, params::Params};
use crate::header::extensions;

/// The offer of permessage-deflate in this side's request, if compression is configured.
#[derive(Clone, Debug, Default)]
pub(crate) struct OwnOffer {
    offer: Option<Params>,
    settings: Settings,
}

impl OwnOffer {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { offer: settings.0.as_ref().map(Params::offer), settings: settings.clone() }
    }

    /// Returns the value of `Sec-WebSocket-Extensions` in the request.
    pub(crate) fn value(&self) -> Option<HeaderValue> {
        Some(self.offer.as_ref()?.header_value())
    }

    /// Returns the parameters that a response selects, or `None` if the response contains anything
    /// that does not answer the offer (RFC 6455 §9.1, RFC 7692 §5).
    pub(crate) fn accept(&self, response: &HeaderMap) -> Option<NegotiatedDeflate> {
        let mut answers = extensions(response);
        let params = match (answers.next(), answers.next()) {
            (None, _) => None,
            (Some(Ok(answer)), None) => {
                let params = Params::parse(answer)?;
                Some(params.is_answer_to(&self.offer?).then_some(params)?)
            }
            _ => return None,
        };
        Some(NegotiatedDeflate::new(Role::Client, params, &self.settings))
    }
}

#[cfg(test)]
mod tests;
