//! What a handshake has agreed on.

use super::{
    Deflater, Inflater, Settings,
    compress::Compressor,
    params::{ClientBits, MAX_WINDOW_BITS, Params},
};

/// What a handshake has agreed on; nothing, by default.
#[derive(Clone, Debug, Default)]
pub(crate) struct NegotiatedDeflate(pub(super) Option<NegotiatedParams>);

#[derive(Clone, Debug)]
pub(super) struct NegotiatedParams {
    params: Params,
    /// Whether the server compresses with what it sent before in view.
    context_takeover: bool,
    level: u8,
    threshold: usize,
}

impl NegotiatedDeflate {
    pub(super) fn new(params: Option<Params>, settings: &Settings) -> Self {
        let terms = params.zip(settings.0.as_ref());
        Self(terms.map(|(params, deflate)| NegotiatedParams {
            params,
            context_takeover: deflate.context_takeover && !params.server_no_context_takeover,
            level: deflate.level,
            threshold: deflate.threshold,
        }))
    }

    /// What inflates the client's messages.
    pub(crate) fn inflater(&self) -> Inflater {
        let Some(NegotiatedParams { params, .. }) = &self.0 else { return Inflater::off() };
        let window_bits = match params.client_max_window_bits {
            // A zlib that was told 8 takes 9.
            Some(ClientBits::AtMost(bits)) => bits.max(9),
            Some(ClientBits::Any) | None => MAX_WINDOW_BITS,
        };
        Inflater::new((!params.client_no_context_takeover).then_some(window_bits))
    }

    /// What compresses the server's messages.
    pub(crate) fn deflater(&self) -> Deflater {
        let compressor = self.0.as_ref().map(|terms| {
            let NegotiatedParams { params, context_takeover, level, threshold } = terms;
            (Compressor::new(*context_takeover, *level, params.server_window_bits()), *threshold)
        });
        Deflater::new(compressor)
    }
}
