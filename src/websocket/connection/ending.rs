//! The last report of a connection.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crate::{
    config::ConfigValues, metrics::Summary, trace::Trace, websocket::connection_guard::ConnectionGuard,
};

/// The values that are needed to report the end of a connection.
pub(super) struct Ending {
    pub(super) trace: Option<Trace>,
    pub(super) summary: Option<Summary>,
    pub(super) config: Arc<ConfigValues>,
    pub(super) guard: Option<ConnectionGuard>,
}

impl Ending {
    /// Ends the span, calls the application's hook, then releases the guard.
    pub(super) fn report(self) {
        let Self { trace, summary, config, guard } = self;
        if let Some(summary) = summary {
            if let Some(trace) = trace {
                trace.ended(&summary);
            }
            if let Some(on_end) = &config.on_end {
                // This may run in a destructor while a handler's panic unwinds.
                let _ = catch_unwind(AssertUnwindSafe(|| on_end.call(&summary)));
            }
        }
        drop(guard);
    }
}
