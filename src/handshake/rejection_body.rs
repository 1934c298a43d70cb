//! The body of a rejection.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, combinators::UnsyncBoxBody};
use pin_project_lite::pin_project;
use tower::BoxError;

/// The body of a response that rejects a handshake: bytes, or any [`Body`].
///
/// [`From`] converts bytes and text; the default is empty. Clones of a body that is not bytes share
/// one body: each frame is returned by only one of them.
///
/// # Examples
///
/// ```
/// use http_body::Body;
/// use tower_websocket::handshake::RejectionBody;
///
/// let body = RejectionBody::from("not found");
/// assert_eq!(body.size_hint().exact(), Some(9));
/// assert_eq!(body.as_bytes().unwrap(), "not found");
/// assert!(RejectionBody::default().is_end_stream());
/// ```
#[derive(Clone)]
pub struct RejectionBody(Kind);

#[derive(Clone)]
enum Kind {
    Bytes(Bytes),
    /// The lock makes it `Sync`, which errors must be. Only the task that polls the body locks it.
    Body(Arc<Mutex<UnsyncBoxBody<Bytes, BoxError>>>),
}

impl RejectionBody {
    /// Creates the body from any other one.
    pub(super) fn new<B>(body: B) -> Self
    where
        B: Body<Error: Into<BoxError>> + Send + 'static,
    {
        if body.is_end_stream() {
            return Self::default();
        }
        Self(Kind::Body(Arc::new(Mutex::new(Erased { body }.boxed_unsync()))))
    }

    /// Returns the remaining bytes of the body, or `None` if it is a [`Body`] that has to be
    /// polled.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn as_bytes(&self) -> Option<&Bytes> {
        match &self.0 {
            Kind::Bytes(bytes) => Some(bytes),
            Kind::Body(_) => None,
        }
    }
}

fn lock<T>(body: &Mutex<T>) -> MutexGuard<'_, T> {
    body.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Body for RejectionBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.get_mut().0 {
            Kind::Bytes(bytes) if bytes.is_empty() => Poll::Ready(None),
            Kind::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Kind::Body(body) => Pin::new(&mut *lock(body)).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Bytes(bytes) => bytes.is_empty(),
            Kind::Body(body) => lock(body).is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Bytes(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Body(body) => lock(body).size_hint(),
        }
    }
}

pin_project! {
    /// A body with the data and error types of [`RejectionBody`]. `BodyExt::map_frame` would lose
    /// the length.
    struct Erased<B> {
        #[pin]
        body: B,
    }
}

impl<B: Body<Error: Into<BoxError>>> Body for Erased<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let bytes = |mut data: B::Data| data.copy_to_bytes(data.remaining());
        let frame = self.project().body.poll_frame(cx).map_err(Into::into);
        frame.map(|frame| Some(frame?.map(|frame| frame.map_data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Default for RejectionBody {
    fn default() -> Self {
        Self(Kind::Bytes(Bytes::new()))
    }
}

impl<T: Into<Bytes>> From<T> for RejectionBody {
    fn from(bytes: T) -> Self {
        Self(Kind::Bytes(bytes.into()))
    }
}

impl fmt::Debug for RejectionBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = f.debug_tuple("RejectionBody");
        match &self.0 {
            Kind::Bytes(bytes) => tuple.field(bytes).finish(),
            Kind::Body(_) => tuple.finish_non_exhaustive(),
        }
    }
}

#[cfg(test)]
mod tests;
