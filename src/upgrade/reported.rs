//! A handler's future that returns the text of the handler's error.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use super::handler_output::IntoFailure;

pin_project! {
    /// Runs a handler's future, and returns the text of its error.
    pub(super) struct Reported<Fut> {
        #[pin]
        handler: Fut,
    }
}

impl<Fut> Reported<Fut> {
    pub(super) fn new(handler: Fut) -> Self {
        Self { handler }
    }
}

impl<Fut: Future<Output: IntoFailure>> Future for Reported<Fut> {
    type Output = Option<String>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<String>> {
        self.project().handler.poll(cx).map(IntoFailure::into_failure)
    }
}
