//! The negotiated parameters.

use tungstenite::protocol::Role;

use super::{
    Deflater, Inflater, Settings,
    compress::Compressor,
    history::History,
    inflater::Context,
    params::{MIN_WINDOW_BITS, Params},
};

/// The negotiated parameters. By default there are none, and messages are not compressed.
#[derive(Clone, Debug, Default)]
pub(crate) struct NegotiatedDeflate(pub(super) Option<NegotiatedParams>);

#[derive(Clone, Debug)]
pub(super) struct NegotiatedParams {
    role: Role,
    params: Params,
    /// Set if this side keeps its compression window between messages.
    context_takeover: bool,
    level: u8,
    threshold: usize,
}

impl NegotiatedDeflate {
    pub(super) fn new(role: Role, params: Option<Params>, settings: &Settings) -> Self {
        let terms = params.zip(settings.0.as_ref());
        Self(terms.map(|(params, deflate)| NegotiatedParams {
            role,
            params,
            context_takeover: deflate.context_takeover && !params.no_context_takeover(role),
            level: deflate.level,
            threshold: deflate.threshold,
        }))
    }

    /// Returns the inflater for the peer's messages.
    pub(crate) fn inflater(&self) -> Inflater {
        let Some(NegotiatedParams { role, params, context_takeover, .. }) = &self.0 else {
            return Inflater::off();
        };
        let peer = match role {
            Role::Server => Role::Client,
            Role::Client => Role::Server,
        };
        // zlib rounds a window of 8 bits up to 9.
        let window_bits = params.window_bits(peer).max(MIN_WINDOW_BITS);
        Inflater::new(match params.no_context_takeover(peer) {
            true => Context::None,
            // The compressor's window takes far more memory than an inflater.
            false if *context_takeover => Context::Own,
            false => Context::History(History::new(window_bits)),
        })
    }

    /// Returns the deflater for this side's messages.
    pub(crate) fn deflater(&self) -> Deflater {
        let compressor = self.0.as_ref().and_then(|terms| {
            let NegotiatedParams { role, params, context_takeover, level, threshold } = terms;
            // A server may limit a client to 8 bits, which zlib cannot compress with. Then all
            // messages are sent uncompressed (RFC 7692 §6).
            let window_bits = Some(params.window_bits(*role)).filter(|bits| *bits >= MIN_WINDOW_BITS)?;
            Some((Compressor::new(*context_takeover, *level, window_bits), *threshold))
        });
        Deflater::new(compressor)
    }
}
