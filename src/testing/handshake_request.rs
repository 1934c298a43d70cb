//! The request that a handshake service receives.

use std::panic::Location;

use http::{Request, Version};

use super::{IntoRequest, request::complete};
use crate::{
    deflate::{Offers, Settings},
    handshake::{Handshake, UpgradeRequest, kind_of},
};

/// Returns the request that a layer would pass to its handshake service for `request`, to test that
/// service alone.
///
/// Missing parts of an HTTP/1.1 opening handshake are added, as by [`connect`](super::connect). A
/// `CONNECT` over HTTP/2 or HTTP/3 with a [`ConnectProtocol`](crate::handshake::ConnectProtocol) is
/// used unchanged.
///
/// The rules of a [`Config`](crate::Config), such as the origin and the limits, are not checked,
/// because the layer checks them.
///
/// # Panics
///
/// Panics if `request` is not a valid URI or request, or if it violates a rule of the opening
/// handshake, so that no handshake service would receive it. Use [`connect`](super::connect) to
/// test how it is rejected.
///
/// # Examples
///
/// ```
/// use http::{Request, Response, StatusCode};
/// use tower_websocket::{Handshake, Rejection, testing::handshake};
///
/// async fn enter(request: Request<Handshake>) -> Result<Response<u32>, Rejection> {
///     let id = request.uri().query().and_then(|query| query.strip_prefix("id=")?.parse().ok());
///     let id = id.ok_or((StatusCode::BAD_REQUEST, "an id is needed"))?;
///     let mut handshake = request.into_body();
///     handshake.select_protocol(["chat"]);
///     Ok(handshake.accept(id))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let request = Request::get("/ws?id=7").header("sec-websocket-protocol", "chat");
/// let response = enter(handshake(request)).await.unwrap();
/// assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
/// assert_eq!(response.into_body(), 7);
///
/// let rejection = enter(handshake("/ws")).await.unwrap_err();
/// assert_eq!(rejection.status(), StatusCode::BAD_REQUEST);
/// # }
/// ```
#[track_caller]
pub fn handshake(request: impl IntoRequest) -> Request<Handshake> {
    let caller = Location::caller();
    let mut request = request.into_request();
    if request.version() <= Version::HTTP_11 {
        complete(&mut request);
    }
    let kind = kind_of(&request);
    let (parts, ()) = request.into_parts();
    let upgrade = kind.and_then(|kind| UpgradeRequest::parse(&parts, kind));
    let upgrade = upgrade.unwrap_or_else(|error| panic!("{caller}: the request is rejected: {error}"));
    let extensions = Offers::new(&parts.headers, &Settings::default());
    Request::from_parts(parts, Handshake::new(upgrade, extensions.answer()))
}
