//! A handler's future that reports the handler's error.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use super::handler_output::IntoFailure;
use crate::websocket::FailureReport;

pin_project! {
    /// Runs a handler's future, and reports its error.
    pub(super) struct Reported<Fut> {
        #[pin]
        handler: Fut,
        report: FailureReport,
    }
}

impl<Fut> Reported<Fut> {
    pub(super) fn new(handler: Fut, report: FailureReport) -> Self {
        Self { handler, report }
    }
}

impl<Fut: Future<Output: IntoFailure>> Future for Reported<Fut> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if let Some(failure) = ready!(this.handler.poll(cx)).into_failure() {
            this.report.failed(failure);
        }
        Poll::Ready(())
    }
}
