//! What a server serves.

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tower::{BoxError, Service};

/// Trait alias for what [`serve`](crate::serve()) serves: any tower service of HTTP requests that
/// can be cloned.
///
/// It is implemented for all of those and need not be implemented by hand. It is not hyper's trait
/// of the same name.
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
    /// The body of its responses.
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
