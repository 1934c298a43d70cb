//! What a connection leaves behind when it is over.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crate::{
    config::ConfigValues, metrics::Summary, trace::Trace, websocket::connection_guard::ConnectionGuard,
};

/// What a connection leaves behind when it is over.
pub(super) struct Ending {
    pub(super) trace: Option<Trace>,
    pub(super) summary: Option<Summary>,
    pub(super) config: Arc<ConfigValues>,
    pub(super) permit: Option<ConnectionGuard>,
}

impl Ending {
    /// Closes the span and tells the application, then gives the permit back.
    pub(super) fn tell(self) {
        let Self { trace, summary, config, permit } = self;
        if let Some(summary) = summary {
            if let Some(trace) = trace {
                trace.ended(&summary);
            }
            if let Some(on_end) = &config.on_end {
                // It may be called in a destructor while a handler's panic is on its way up.
                let _ = catch_unwind(AssertUnwindSafe(|| on_end.call(&summary)));
            }
        }
        drop(permit);
    }
}
