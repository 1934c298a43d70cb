//! Where a handler's error is reported.

use std::sync::Arc;

use super::shared::Shared;
use crate::{io::UpgradedIo, trace::handler_failed};

/// The connection of a handler, as far as its error is concerned.
pub(crate) struct FailureReport(Arc<Shared<UpgradedIo>>);

impl FailureReport {
    pub(super) fn new(shared: Arc<Shared<UpgradedIo>>) -> Self {
        Self(shared)
    }

    /// The handler has failed: closes the connection with 1011, unless it is closing already.
    pub(crate) fn failed(&self, error: String) {
        let is_cause = self.0.with(|connection, deferred| connection.on_failure(&error, deferred));
        handler_failed(&error, is_cause);
    }
}
