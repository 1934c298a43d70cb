//! The layer's service.

use std::{
    fmt,
    future::{Future, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response, request::Parts};
use tower::Service;

use super::{HandlerOutput, ResponseBody, ResponseFuture, task::UpgradeTask};
use crate::{
    accept::{Acceptor, reject},
    handshake::{HandshakeError, HandshakeKind, HandshakeService, RejectionBody},
    websocket::WebSocket,
};

/// The service of a [`WebSocketUpgradeLayer`](crate::WebSocketUpgradeLayer).
///
/// Readiness and errors are those of the inner service. A clone costs a clone of the inner service
/// and of one `Arc`.
///
/// # Panics
///
/// `call` with a WebSocket request panics outside of a tokio runtime, when the handshake is
/// accepted.
///
/// # Examples
///
/// ```
/// use http::Request;
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_websocket::{WebSocketUpgradeLayer, upgrade::UpgradeRequired};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let layer = WebSocketUpgradeLayer::accept_all(async |_| ());
/// let mut service = layer.layer(UpgradeRequired);
/// let _: &UpgradeRequired = service.get_ref();
/// let _: &mut UpgradeRequired = service.get_mut();
/// let response = service.clone().oneshot(Request::new(())).await.unwrap();
/// assert_eq!(response.status(), 426);
/// let UpgradeRequired = service.into_inner();
/// # }
/// ```
#[must_use = "a service does nothing unless it is called"]
pub struct WebSocketUpgrade<S, H, F> {
    inner: S,
    shared: Arc<UpgradeParts<H, F>>,
}

pub(crate) type Predicate = dyn Fn(&Parts) -> bool + Send + Sync;

pub(crate) struct UpgradeParts<H, F> {
    pub(crate) acceptor: Acceptor<H>,
    pub(crate) handler: Arc<F>,
    pub(crate) predicate: Option<Arc<Predicate>>,
}

impl<H, F> UpgradeParts<H, F> {
    /// Returns whether the layer takes the request with the head `parts`.
    fn takes(&self, parts: &Parts) -> Result<bool, HandshakeError> {
        let Some(predicate) = &self.predicate else { return Ok(true) };
        catch_unwind(AssertUnwindSafe(|| predicate(parts))).map_err(|_| HandshakeError::Panicked)
    }
}

impl<S, H, F> WebSocketUpgrade<S, H, F> {
    pub(crate) fn new(inner: S, shared: UpgradeParts<H, F>) -> Self {
        Self { inner, shared: Arc::new(shared) }
    }

    /// Returns a reference to the inner service.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns a mutable reference to the inner service.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service, and drops the layer's part.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, H, F, Fut, ReqBody, ResBody> Service<Request<ReqBody>> for WebSocketUpgrade<S, H, F>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    H: HandshakeService,
    F: Fn(WebSocket, H::Extra) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: HandlerOutput> + Send + 'static,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        if let Some(kind) = HandshakeKind::of(&request) {
            let (parts, body) = request.into_parts();
            // In these futures, the body is not used, and need not be `Send`.
            match self.shared.takes(&parts) {
                Ok(true) => return ResponseFuture::own(upgrade(Arc::clone(&self.shared), parts, kind)),
                Ok(false) => request = Request::from_parts(parts, body),
                Err(error) => return ResponseFuture::own(ready(reject(&parts, error).into_response())),
            }
        }
        ResponseFuture::inner(self.inner.call(request))
    }
}

/// Responds to a WebSocket request, and spawns the task that runs the handler.
async fn upgrade<H, F, Fut>(
    shared: Arc<UpgradeParts<H, F>>,
    parts: Parts,
    kind: HandshakeKind,
) -> Response<RejectionBody>
where
    H: HandshakeService,
    F: Fn(WebSocket, H::Extra) -> Fut + Send + Sync + 'static,
    Fut: Future<Output: HandlerOutput> + Send + 'static,
{
    match shared.acceptor.accept_opening(parts, kind).await {
        Ok((response, upgrading)) => {
            let handler = Arc::clone(&shared.handler);
            tokio::spawn(UpgradeTask::new(upgrading, move |socket, extra| handler(socket, extra), drop));
            response.map(|()| RejectionBody::default())
        }
        Err(rejected) => rejected.into_response(),
    }
}

impl<S: Clone, H, F> Clone for WebSocketUpgrade<S, H, F> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<S: fmt::Debug, H, F> fmt::Debug for WebSocketUpgrade<S, H, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketUpgrade")
            .field("inner", &self.inner)
            .field("acceptor", &self.shared.acceptor)
            .finish_non_exhaustive()
    }
}
