//! The requests of one connection on their way to the service.

use std::sync::Arc;

use http::Request;
use hyper::body::Incoming;
use tower::{ServiceExt, util::Oneshot};

use super::{HttpService, PeerAddr, activity::Activity};
use crate::Shutdown;

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
    type Response = S::Response;
    type Error = S::Error;
    type Future = Oneshot<S, Request<Incoming>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        self.activity.request();
        let extensions = request.extensions_mut();
        extensions.insert(self.peer.clone());
        extensions.insert(self.shutdown.clone());
        #[cfg(feature = "tls")]
        if let Some(tls) = &self.tls {
            extensions.insert(tls.clone());
        }
        self.service.clone().oneshot(request)
    }
}
