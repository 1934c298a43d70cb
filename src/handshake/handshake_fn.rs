//! A handshake service from a state and a function.

use std::{
    fmt,
    future::Future,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower::Service;

use super::{Handshake, Rejection};

/// Creates a handshake service from `state` and an async function or closure, which is called with
/// a clone of the state and the request.
///
/// `?` converts every error type that implements `Into<Rejection>`.
///
/// An async closure passed to this function cannot capture variables. Put the values that it needs
/// into `state`, several of them as a tuple. If a closure captures variables, rustc reports "async
/// closure does not implement `Fn` because it captures state from its environment", or that a
/// variable "does not live long enough". Without state, `tower::service_fn` is enough.
///
/// # Examples
///
/// ```
/// use std::{collections::HashMap, sync::Arc};
/// use http::StatusCode;
/// use tower_websocket::{WebSocketUpgradeLayer, handshake_fn};
///
/// type Users = Arc<HashMap<String, String>>;
/// # let users = Users::default();
///
/// let handshake = handshake_fn(users, async |users, request| {
///     let token = request.uri().query().and_then(|query| query.strip_prefix("token="));
///     let user = token.and_then(|token| users.get(token)).ok_or(StatusCode::UNAUTHORIZED)?;
///     Ok(request.into_body().accept(user.clone()))
/// });
/// let layer = WebSocketUpgradeLayer::new(handshake, async |mut socket, user| {
///     let _ = socket.send(format!("hello, {user}")).await;
/// });
/// ```
pub fn handshake_fn<S, F, Fut, T>(state: S, f: F) -> HandshakeFn<S, F>
where
    S: Clone + Send + 'static,
    F: Fn(S, Request<Handshake>) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<Response<T>, Rejection>> + Send + 'static,
    T: Send + 'static,
{
    HandshakeFn { state, f }
}

/// The handshake service that [`handshake_fn`] returns.
///
/// See the [example](handshake_fn#examples) of that function.
#[derive(Clone)]
pub struct HandshakeFn<S, F> {
    state: S,
    f: F,
}

impl<S, F, Fut, T> Service<Request<Handshake>> for HandshakeFn<S, F>
where
    S: Clone,
    F: Fn(S, Request<Handshake>) -> Fut,
    Fut: Future<Output = Result<Response<T>, Rejection>>,
{
    type Response = Response<T>;
    type Error = Rejection;
    type Future = Fut;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Rejection>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Handshake>) -> Fut {
        (self.f)(self.state.clone(), request)
    }
}

impl<S: fmt::Debug, F> fmt::Debug for HandshakeFn<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandshakeFn").field("state", &self.state).finish_non_exhaustive()
    }
}
