//! Passes the requests of one connection on to the service.

use std::{
    any::Any,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response, Version};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tower::{ServiceExt, util::Oneshot};

use super::{
    HttpService, PeerAddr,
    body::TrackedBody,
    http2::Opening,
    idle::{Activity, UpgradeGuard},
    tls::TlsInfo,
};
use crate::{
    handshake::{HandshakeKind, OverTls},
    io::UnwrapIo,
    shutdown::Shutdown,
};

/// The service that hyper calls with the requests of one connection. It adds the extensions that
/// describe the connection, then calls the user's service.
#[derive(Clone, Debug)]
pub(super) struct Requests<S, A> {
    pub(super) service: S,
    pub(super) peer: PeerAddr<A>,
    pub(super) tls: Option<TlsInfo>,
    pub(super) unwrap_io: Option<UnwrapIo>,
    pub(super) shutdown: Shutdown,
    pub(super) activity: Arc<Activity>,
}

impl<S, A> hyper::service::Service<Request<Incoming>> for Requests<S, A>
where
    S: HttpService,
    A: Clone + Send + Sync + 'static,
{
    type Response = Response<TrackedBody<S::ResponseBody>>;
    type Error = S::Error;
    type Future = TrackedResponse<Oneshot<S, Request<Incoming>>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.activity.on_request();
        let kind = HandshakeKind::of(&request);
        let is_upgrade = kind == Some(HandshakeKind::Upgrade);
        let upgrading = is_upgrade.then(|| UpgradeGuard::new(&self.activity));
        let extensions = request.extensions_mut();
        extensions.insert(self.peer.clone());
        if let Some(addr) = (&self.peer.0 as &dyn Any).downcast_ref::<SocketAddr>() {
            extensions.insert(*addr);
        }
        #[cfg(feature = "axum")]
        extensions.insert(axum::extract::ConnectInfo(self.peer.0.clone()));
        extensions.insert(self.shutdown.clone());
        if let Some(tls) = &self.tls {
            extensions.insert(tls.clone());
            extensions.insert(OverTls);
        }
        if let (Some(unwrap_io), true) = (self.unwrap_io, is_upgrade) {
            extensions.insert(unwrap_io);
        }
        let opening = (kind == Some(HandshakeKind::ExtendedConnect)).then(|| Opening::new(&self.activity));
        if let Some(opening) = &opening {
            extensions.insert(opening.hold_io());
        }
        let activity = (request.version() == Version::HTTP_2).then(|| Arc::clone(&self.activity));
        let future = self.service.clone().oneshot(request);
        TrackedResponse { future, _upgrading: upgrading, activity, opening }
    }
}

pin_project! {
    /// The future of a response. Over HTTP/1.1, it holds the guard of an upgrade request.
    pub(super) struct TrackedResponse<Fut> {
        #[pin]
        future: Fut,
        _upgrading: Option<UpgradeGuard>,
        activity: Option<Arc<Activity>>,
        opening: Option<Opening>,
    }
}

impl<Fut, B, E> Future for TrackedResponse<Fut>
where
    Fut: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<TrackedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.future.poll(cx))?;
        if let Some(opening) = this.opening.take() {
            opening.on_response();
        }
        Poll::Ready(Ok(response.map(|body| TrackedBody::new(body, this.activity.take()))))
    }
}
