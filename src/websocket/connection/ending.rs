//! What a connection leaves behind when it is over.

use crate::{
    trace::Trace,
    websocket::{ended::Ended, permit::Permit},
};

/// What a connection leaves behind when it is over.
pub(super) struct Ending {
    pub(super) trace: Trace,
    pub(super) ended: Ended,
    pub(super) permit: Option<Permit>,
}

impl Ending {
    /// Closes the span, then gives the permit back.
    pub(super) fn tell(self) {
        let Self { mut trace, ended, permit } = self;
        trace.ended(ended.code(), ended.reason(), ended.error());
        drop(permit);
    }
}
