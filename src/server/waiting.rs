//! A response body that tells when it waits for the client.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::activity::Activity;

pin_project! {
    /// The body of a response over HTTP/2, which tells when it waits for the client: hyper asks for more of it only
    /// once the client has room for what there is.
    pub(super) struct Waiting<B> {
        #[pin]
        body: B,
        turn: Option<Turn>,
    }
}

impl<B> Waiting<B> {
    pub(super) fn new(body: B, activity: Option<Arc<Activity>>) -> Self {
        Self { body, turn: activity.map(Turn::new) }
    }
}

impl<B: Body> Body for Waiting<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        let frame = this.body.poll_frame(cx);
        if let Some(turn) = this.turn {
            turn.set(frame.is_ready());
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

/// Whose turn it is.
struct Turn {
    activity: Arc<Activity>,
    is_clients: bool,
}

impl Turn {
    fn new(activity: Arc<Activity>) -> Self {
        activity.wait();
        Self { activity, is_clients: true }
    }

    fn set(&mut self, is_clients: bool) {
        match (std::mem::replace(&mut self.is_clients, is_clients), is_clients) {
            (false, true) => self.activity.wait(),
            (true, false) => self.activity.go_on(),
            // The client has taken what was there.
            (true, true) => self.activity.touch(),
            (false, false) => {}
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.set(false);
    }
}
