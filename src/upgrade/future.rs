//! The response future of the layer's service.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use pin_project_lite::pin_project;

use super::ResponseBody;
use crate::handshake::RejectionBody;

pin_project! {
    /// The response future of [`WebSocketUpgrade`](crate::upgrade::WebSocketUpgrade).
    ///
    /// It is awaited in the [example](crate::upgrade::ResponseBody#examples) of `ResponseBody`.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<Fut> {
        #[pin]
        kind: Kind<Fut>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<Fut> {
        Inner { #[pin] future: Fut },
        // Boxed, so that the future of an ordinary request does not reserve space for a handshake.
        Own { future: Pin<Box<dyn Future<Output = Response<RejectionBody>> + Send>> },
    }
}

impl<Fut> ResponseFuture<Fut> {
    pub(crate) fn inner(future: Fut) -> Self {
        Self { kind: Kind::Inner { future } }
    }

    pub(crate) fn own(future: impl Future<Output = Response<RejectionBody>> + Send + 'static) -> Self {
        Self { kind: Kind::Own { future: Box::pin(future) } }
    }
}

impl<Fut, B, E> Future for ResponseFuture<Fut>
where
    Fut: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(match self.project().kind.project() {
            KindProj::Inner { future } => ready!(future.poll(cx))?.map(ResponseBody::inner),
            KindProj::Own { future } => ready!(future.as_mut().poll(cx)).map(ResponseBody::own),
        }))
    }
}

impl<Fut> fmt::Debug for ResponseFuture<Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.kind {
            Kind::Inner { .. } => "Inner",
            Kind::Own { .. } => "Own",
        };
        f.debug_tuple("ResponseFuture").field(&kind).finish()
    }
}
