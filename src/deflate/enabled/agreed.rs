//! What a handshake has agreed on.

use super::{Inbound, Outbound, Settings, compress::Compressor, inflate::Inflater, params::Params};

/// What a handshake has agreed on; nothing, by default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agreed(pub(super) Option<Terms>);

#[derive(Clone, Debug)]
pub(super) struct Terms {
    params: Params,
    level: u8,
    threshold: usize,
}

impl Agreed {
    pub(super) fn new(params: Option<Params>, settings: &Settings) -> Self {
        let terms = params.zip(settings.0.as_ref());
        Self(terms.map(|(params, deflate)| Terms {
            params,
            level: deflate.level,
            threshold: deflate.threshold,
        }))
    }

    /// What inflates the client's messages.
    pub(crate) fn inbound(&self, max_frame_size: usize) -> Inbound {
        let inflater = self.0.as_ref().map(|terms| Inflater::new(!terms.params.client_no_context_takeover));
        Inbound::new(inflater, max_frame_size)
    }

    /// What compresses the server's messages.
    pub(crate) fn outbound(&self) -> Outbound {
        let compressor = self.0.as_ref().map(|Terms { params, level, threshold }| {
            let takeover = !params.server_no_context_takeover;
            (Compressor::new(takeover, *level, params.server_window_bits()), *threshold)
        });
        Outbound::new(compressor)
    }
}
