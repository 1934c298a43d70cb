//! The bounds of the service that a server calls.

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tower::{BoxError, Service};

/// Trait alias for the services that [`serve`](crate::serve()) accepts: any tower service of HTTP
/// requests that can be cloned.
///
/// It is implemented for every such service; do not implement it yourself. It is not hyper's trait
/// of the same name.
///
/// # Examples
///
/// A function that serves any such service:
///
/// ```
/// use std::{io, time::Duration};
/// use tokio::net::TcpListener;
/// use tower_websocket::{serve, server::HttpService};
///
/// async fn run<S: HttpService>(service: S) -> io::Result<()> {
///     let listener = TcpListener::bind("127.0.0.1:8080").await?;
///     serve(listener, service).drain_timeout(Duration::from_secs(5)).await
/// }
/// ```
///
/// A layer needs [`into_service`](crate::WebSocketUpgradeLayer::into_service), and an axum `Router`
/// whose handlers use a state needs its `with_state`. The compiler explains this:
///
/// ```compile_fail
/// # async fn run() -> std::io::Result<()> {
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
/// let layer = tower_websocket::WebSocketUpgradeLayer::accept_all(async |_| ());
/// let server = tower_websocket::serve(listener, layer);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service that a server can call",
    label = "not a tower service of HTTP requests that can be cloned",
    note = "a layer becomes a service with `into_service()`",
    note = "an axum `Router` becomes one with `with_state(..)`, if its handlers use a state",
    note = "pass the `Router` itself, not its `into_make_service()` or \
            `into_make_service_with_connect_info()`: with the feature `axum`, requests have a \
            `ConnectInfo` already",
    note = "your own service needs `Clone` and `Send`, and its future and the body of its responses \
            need `Send`"
)]
pub trait HttpService:
    Service<
        Request<Incoming>,
        Response = Response<Self::ResponseBody>,
        Error: Into<BoxError>,
        Future: Send + 'static,
    > + Clone
    + Send
    + 'static
{
    /// The body of the responses.
    type ResponseBody: Body<Data: Send, Error: Into<BoxError>> + Send + 'static;
}

#[diagnostic::do_not_recommend]
impl<S, B> HttpService for S
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>, Future: Send + 'static>
        + Clone
        + Send
        + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    type ResponseBody = B;
}
