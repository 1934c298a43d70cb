//! The response body that tracks whether the client reads it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::idle::{Activity, BodyGuard};

pin_project! {
    /// A response body that, over HTTP/2, records when it waits for the client. hyper polls the
    /// body for the next frame only when the client's window has space for the previous one.
    pub(super) struct TrackedBody<B> {
        #[pin]
        body: B,
        guard: Option<BodyGuard>,
    }
}

impl<B> TrackedBody<B> {
    pub(super) fn new(body: B, activity: Option<Arc<Activity>>) -> Self {
        Self { body, guard: activity.map(BodyGuard::new) }
    }
}

impl<B: Body> Body for TrackedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        let frame = this.body.poll_frame(cx);
        if let Some(guard) = this.guard {
            guard.set_blocked(frame.is_ready());
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
