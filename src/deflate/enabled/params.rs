//! The parameters of permessage-deflate and their negotiation (RFC 7692 §7.1), without IO.

use http::HeaderValue;
use tungstenite::protocol::Role;

use super::Deflate;
use crate::header::Extension;

/// The extension's name.
const NAME: &str = "permessage-deflate";

/// The base-2 logarithm of the largest window, which is also the default of RFC 7692.
pub(super) const MAX_WINDOW_BITS: u8 = 15;

/// The smallest window with which zlib can compress. RFC 7692 also allows 8.
pub(super) const MIN_WINDOW_BITS: u8 = 9;

/// A valid list of parameters of an offer or an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Params {
    pub(super) server_no_context_takeover: bool,
    pub(super) client_no_context_takeover: bool,
    pub(super) server_max_window_bits: Option<u8>,
    pub(super) client_max_window_bits: Option<ClientBits>,
}

/// The value of `client_max_window_bits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientBits {
    /// The client supports the parameter, and has no limit of its own. Occurs only in offers.
    Any,
    AtMost(u8),
}

impl Params {
    /// Parses the parameters of an extension. Returns `None` if it is another extension, or if a
    /// parameter is unknown, repeated, out of range, or without a required value.
    pub(super) fn parse(extension: Extension<'_>) -> Option<Self> {
        if !extension.name.eq_ignore_ascii_case(NAME) {
            return None;
        }
        let mut params = Self::default();
        for (name, value) in extension.params() {
            match (name, value.as_deref()) {
                ("server_no_context_takeover", None) => set(&mut params.server_no_context_takeover)?,
                ("client_no_context_takeover", None) => set(&mut params.client_no_context_takeover)?,
                ("server_max_window_bits", Some(value)) if params.server_max_window_bits.is_none() => {
                    params.server_max_window_bits = Some(window_bits(value)?);
                }
                ("client_max_window_bits", value) if params.client_max_window_bits.is_none() => {
                    params.client_max_window_bits = Some(match value {
                        Some(value) => ClientBits::AtMost(window_bits(value)?),
                        None => ClientBits::Any,
                    });
                }
                _ => return None,
            }
        }
        Some(params)
    }

    /// Returns the answer to this offer, or `None` to decline it. With the default settings, it
    /// contains no parameter that the offer does not contain.
    pub(super) fn answer(&self, deflate: &Deflate) -> Option<Self> {
        let server_bits =
            self.server_max_window_bits.unwrap_or(MAX_WINDOW_BITS).min(deflate.server_max_window_bits);
        if server_bits < MIN_WINDOW_BITS {
            return None;
        }
        let client_bits = match self.client_max_window_bits {
            // The client does not know the parameter, and may use the largest window.
            None => MAX_WINDOW_BITS,
            Some(ClientBits::Any) => deflate.client_max_window_bits,
            Some(ClientBits::AtMost(bits)) => bits.min(deflate.client_max_window_bits),
        };
        Some(Self {
            server_no_context_takeover: self.server_no_context_takeover || deflate.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover || deflate.client_no_context_takeover,
            server_max_window_bits: (self.server_max_window_bits.is_some() || server_bits < MAX_WINDOW_BITS)
                .then_some(server_bits),
            client_max_window_bits: (client_bits < MAX_WINDOW_BITS)
                .then_some(ClientBits::AtMost(client_bits)),
        })
    }

    /// Returns the offer of a client.
    pub(super) fn offer(deflate: &Deflate) -> Self {
        let limit = |bits| (bits < MAX_WINDOW_BITS).then_some(bits);
        Self {
            server_no_context_takeover: deflate.server_no_context_takeover,
            client_no_context_takeover: deflate.client_no_context_takeover,
            server_max_window_bits: limit(deflate.server_max_window_bits),
            client_max_window_bits: Some(
                limit(deflate.client_max_window_bits).map_or(ClientBits::Any, ClientBits::AtMost),
            ),
        }
    }

    /// Returns `true` if a server may answer `offer` with this, and zlib supports it.
    pub(super) fn answers(&self, offer: &Self) -> bool {
        self.server_window_bits() >= MIN_WINDOW_BITS && self.is_answer_to(offer)
    }

    /// Returns `true` if this is a valid answer to `offer` (RFC 7692 §7.1).
    pub(super) fn is_answer_to(&self, offer: &Self) -> bool {
        let server = match (self.server_max_window_bits, offer.server_max_window_bits) {
            (Some(bits), offered) => offered.is_none_or(|limit| bits <= limit),
            (None, offered) => offered.is_none(),
        };
        let client = match (self.client_max_window_bits, offer.client_max_window_bits) {
            (None, _) | (Some(ClientBits::AtMost(_)), Some(ClientBits::Any)) => true,
            (Some(ClientBits::AtMost(bits)), Some(ClientBits::AtMost(limit))) => bits <= limit,
            (Some(_), _) => false,
        };
        server && client && (self.server_no_context_takeover || !offer.server_no_context_takeover)
    }

    /// Returns the window size with which the server compresses.
    pub(super) fn server_window_bits(&self) -> u8 {
        self.server_max_window_bits.unwrap_or(MAX_WINDOW_BITS)
    }

    /// Returns the window size with which `side` compresses.
    pub(super) fn window_bits(&self, side: Role) -> u8 {
        match (side, self.client_max_window_bits) {
            (Role::Server, _) => self.server_window_bits(),
            (Role::Client, Some(ClientBits::AtMost(bits))) => bits,
            (Role::Client, Some(ClientBits::Any) | None) => MAX_WINDOW_BITS,
        }
    }

    /// Returns `true` if `side` compresses each message by itself.
    pub(super) fn no_context_takeover(&self, side: Role) -> bool {
        match side {
            Role::Server => self.server_no_context_takeover,
            Role::Client => self.client_no_context_takeover,
        }
    }

    /// Returns the parameters as a header value.
    pub(super) fn header_value(&self) -> HeaderValue {
        HeaderValue::try_from(self.member()).expect("a member of the list is ASCII")
    }

    /// Returns the parameters as a member of the header's list.
    pub(super) fn member(&self) -> String {
        let mut member = NAME.to_owned();
        if self.server_no_context_takeover {
            member += "; server_no_context_takeover";
        }
        if self.client_no_context_takeover {
            member += "; client_no_context_takeover";
        }
        if let Some(bits) = self.server_max_window_bits {
            member += &format!("; server_max_window_bits={bits}");
        }
        match self.client_max_window_bits {
            Some(ClientBits::AtMost(bits)) => member += &format!("; client_max_window_bits={bits}"),
            Some(ClientBits::Any) => member += "; client_max_window_bits",
            None => {}
        }
        member
    }
}

/// Sets a flag. Returns `None` if it was already set.
fn set(flag: &mut bool) -> Option<()> {
    (!std::mem::replace(flag, true)).then_some(())
}

/// Parses a window size (RFC 7692 §7.1.2): 8 to 15, without leading zeros.
fn window_bits(value: &str) -> Option<u8> {
    match value.as_bytes() {
        [digit @ (b'8' | b'9')] => Some(digit - b'0'),
        [b'1', digit @ b'0'..=b'5'] => Some(10 + digit - b'0'),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
