//! The response body of the layer's service.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tower::BoxError;

use crate::handshake::RejectionBody;

pin_project! {
    /// The response body of [`WebSocketUpgrade`](crate::upgrade::WebSocketUpgrade): the inner
    /// service's body, or the body of a response to a handshake.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::Request;
    /// use http_body_util::BodyExt;
    /// use tower::ServiceExt;
    /// use tower_websocket::WebSocketUpgradeLayer;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let service = WebSocketUpgradeLayer::accept_all(async |_| ()).into_service();
    /// let response = service.oneshot(Request::new(())).await.unwrap();
    /// let text = response.into_body().collect().await.unwrap().to_bytes();
    /// assert_eq!(text, "this resource is a WebSocket: upgrade required\n");
    /// # }
    /// ```
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        kind: Kind<B>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = KindProj]
    enum Kind<B> {
        Inner { #[pin] body: B },
        Own { #[pin] body: RejectionBody },
    }
}

impl<B> ResponseBody<B> {
    pub(crate) fn inner(body: B) -> Self {
        Self { kind: Kind::Inner { body } }
    }

    pub(crate) fn own(body: RejectionBody) -> Self {
        Self { kind: Kind::Own { body } }
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body<Error: Into<BoxError>>,
    B::Data: From<Bytes>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match self.project().kind.project() {
            KindProj::Inner { body } => body.poll_frame(cx).map_err(Into::into),
            KindProj::Own { body } => {
                body.poll_frame(cx).map(|frame| Some(frame?.map(|frame| frame.map_data(Into::into))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Inner { body } => body.is_end_stream(),
            Kind::Own { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Inner { body } => body.size_hint(),
            Kind::Own { body } => body.size_hint(),
        }
    }
}
