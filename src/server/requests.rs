//! The requests of one connection on their way to the service.

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

use super::{HttpService, PeerAddr, activity::Activity, waiting::Waiting};
use crate::{handshake::Opening, shutdown::Shutdown};

/// What hyper calls with the requests of one connection: it adds what is known about the connection, and hands them
/// on to the service.
#[derive(Clone, Debug)]
pub(super) struct Requests<S, A> {
    pub(super) service: S,
    pub(super) peer: PeerAddr<A>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<super::TlsInfo>,
    pub(super) shutdown: Shutdown,
    pub(super) activity: Arc<Activity>,
}

impl<S, A> hyper::service::Service<Request<Incoming>> for Requests<S, A>
where
    S: HttpService,
    A: Clone + Send + Sync + 'static,
{
    type Response = Response<Waiting<S::ResponseBody>>;
    type Error = S::Error;
    type Future = Answer<Oneshot<S, Request<Incoming>>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.activity.request();
        let asking = (Opening::of(&request) == Some(Opening::Upgrade)).then(|| Asking::new(&self.activity));
        let extensions = request.extensions_mut();
        extensions.insert(self.peer.clone());
        if let Some(addr) = (&self.peer.0 as &dyn Any).downcast_ref::<SocketAddr>() {
            extensions.insert(*addr);
        }
        extensions.insert(self.shutdown.clone());
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            extensions.insert(tls.clone());
        }
        let activity = (request.version() == Version::HTTP_2).then(|| Arc::clone(&self.activity));
        Answer { future: self.service.clone().oneshot(request), asking, activity }
    }
}

pin_project! {
    /// What answers a request.
    pub(super) struct Answer<Fut> {
        #[pin]
        future: Fut,
        asking: Option<Asking>,
        activity: Option<Arc<Activity>>,
    }
}

impl<Fut, B, E> Future for Answer<Fut>
where
    Fut: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<Waiting<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.future.poll(cx))?;
        Poll::Ready(Ok(response.map(|body| Waiting::new(body, this.activity.take()))))
    }
}

/// A request for an upgrade that is not answered yet.
struct Asking(Arc<Activity>);

impl Asking {
    fn new(activity: &Arc<Activity>) -> Self {
        activity.ask();
        Self(Arc::clone(activity))
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.answer();
    }
}
