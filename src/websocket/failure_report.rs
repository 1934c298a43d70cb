//! Reports of handler errors.

use std::sync::Arc;

use super::shared::Shared;
use crate::{io::UpgradedIo, trace::handler_failed};

/// The connection of a handler, for reporting the handler's error.
pub(crate) struct FailureReport(Arc<Shared<UpgradedIo>>);

impl FailureReport {
    pub(super) fn new(shared: Arc<Shared<UpgradedIo>>) -> Self {
        Self(shared)
    }

    /// Records a handler's error, and closes the connection with 1011 unless it is already closing.
    pub(crate) fn failed(&self, error: String) {
        let is_cause = self.0.with(|connection, deferred| connection.on_failure(&error, deferred));
        handler_failed(&error, is_cause);
    }
}
