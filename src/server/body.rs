//! The response body that tracks whether the client reads it.

use std::{
    io::IoSlice,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::idle::{Activity, BodyGuard, DataGuard};

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
    type Data = TrackedData<B::Data>;
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
        let guard = this.guard.as_ref();
        frame.map_ok(|frame| frame.map_data(|data| TrackedData { data, _guard: guard.map(BodyGuard::data) }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The data of a response. It holds a guard until `h2` has written it.
pub(super) struct TrackedData<D> {
    data: D,
    _guard: Option<DataGuard>,
}

impl<D: Buf> Buf for TrackedData<D> {
    fn remaining(&self) -> usize {
        self.data.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.data.chunk()
    }

    fn chunks_vectored<'a>(&'a self, dst: &mut [IoSlice<'a>]) -> usize {
        self.data.chunks_vectored(dst)
    }

    fn advance(&mut self, n: usize) {
        self.data.advance(n);
    }

    fn copy_to_bytes(&mut self, len: usize) -> Bytes {
        self.data.copy_to_bytes(len)
    }
}
