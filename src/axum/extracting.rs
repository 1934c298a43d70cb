//! A handshake service that runs axum's extractors.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{extract::FromRequestParts, response::IntoResponse};
use http::{Request, Response};
use tower::Service;

use crate::handshake::{Handshake, Rejection};

/// Creates a handshake service that runs axum's extractors with `state`, then calls an async
/// function or closure with the extracted values and the [`Handshake`].
///
/// `E` is an extractor ([`FromRequestParts`]) or a tuple of extractors, which run from left to
/// right. If an extractor rejects the request, its rejection is the response for the client.
///
/// The opening handshake is checked before the extractors run.
/// [`Config::handshake_timeout`](crate::Config::handshake_timeout) includes the extractors. A
/// closure must not capture variables; put the values that it needs into `state`.
///
/// # Examples
///
/// ```
/// use axum::{
///     Router,
///     extract::{Path, State},
///     http::HeaderMap,
/// };
/// use http::StatusCode;
/// use tower_websocket::{Handshake, WebSocketUpgradeLayer, axum::extracting};
///
/// #[derive(Clone)]
/// struct Rooms {
///     greeting: String,
/// }
///
/// type Extracted = (Path<String>, State<Rooms>, HeaderMap);
///
/// let rooms = Rooms { greeting: "welcome".into() };
/// let handshake = extracting(rooms, async |extracted: Extracted, handshake: Handshake| {
///     let (Path(room), State(rooms), headers) = extracted;
///     if !headers.contains_key("cookie") {
///         return Err(StatusCode::UNAUTHORIZED.into());
///     }
///     Ok(handshake.accept(format!("{} to {room}", rooms.greeting)))
/// });
/// let layer = WebSocketUpgradeLayer::new(handshake, async |mut socket, greeting: String| {
///     let _ = socket.send(greeting).await;
/// });
/// let app: Router = Router::new().route_service("/rooms/{room}", layer.into_service());
/// ```
pub fn extracting<S, E, F, Fut, T>(state: S, f: F) -> Extracting<S, E, F>
where
    S: Clone + Send + Sync + 'static,
    E: FromRequestParts<S> + Send + 'static,
    F: Fn(E, Handshake) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<Response<T>, Rejection>> + Send + 'static,
    T: Send + 'static,
{
    Extracting { state, f, extracts: PhantomData }
}

/// The handshake service that [`extracting`] returns.
///
/// See the [example](extracting#examples) of that function.
pub struct Extracting<S, E, F> {
    state: S,
    f: F,
    extracts: PhantomData<fn() -> E>,
}

impl<S, E, F, Fut, T> Service<Request<Handshake>> for Extracting<S, E, F>
where
    S: Clone + Send + Sync + 'static,
    E: FromRequestParts<S> + Send + 'static,
    F: Fn(E, Handshake) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = Result<Response<T>, Rejection>> + Send + 'static,
    T: Send + 'static,
{
    type Response = Response<T>;
    type Error = Rejection;
    type Future = Pin<Box<dyn Future<Output = Result<Response<T>, Rejection>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Rejection>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Handshake>) -> Self::Future {
        let (state, f) = (self.state.clone(), self.f.clone());
        Box::pin(async move {
            let (mut parts, handshake) = request.into_parts();
            let extracted = E::from_request_parts(&mut parts, &state).await;
            let extracted = extracted.map_err(|rejection| Rejection::from(rejection.into_response()))?;
            f(extracted, handshake).await
        })
    }
}

impl<S: Clone, E, F: Clone> Clone for Extracting<S, E, F> {
    fn clone(&self) -> Self {
        Self { state: self.state.clone(), f: self.f.clone(), extracts: PhantomData }
    }
}

impl<S: fmt::Debug, E, F> fmt::Debug for Extracting<S, E, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extracting").field("state", &self.state).finish_non_exhaustive()
    }
}
