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
