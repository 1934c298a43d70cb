//! Reports of handler errors.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::{driver::Driver, shared::Shared};
use crate::{io::UpgradedIo, trace::handler_failed};

impl<Fut: Future<Output = Option<String>>> Driver<UpgradedIo, Fut> {
    /// Polls a driver whose handler returns the text of its error, and reports the error.
    pub(crate) fn poll_reporting(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_with(cx, report).map(drop)
    }
}

/// Records a handler's error, and closes the connection with 1011 unless it is already closing.
fn report(shared: &Shared<UpgradedIo>, error: &Option<String>) {
    if let Some(error) = error {
        let is_cause = shared.with(|connection, deferred| connection.on_failure(error, deferred));
        handler_failed(error, is_cause);
    }
}
