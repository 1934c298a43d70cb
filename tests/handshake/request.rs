//! Opening handshakes as values, and their responses.

use std::fmt::Debug;

use bytes::Buf;
use http::{Request, Response, request::Builder};
use http_body::Body;
use http_body_util::BodyExt;
use tower::{Service, ServiceExt};

/// Returns the request of RFC 6455 §1.2, without its `Origin`, which differs from its `Host`.
pub(crate) fn upgrade(uri: &str) -> Builder {
    upgrade_without(uri, &[])
}

/// The same, without the headers named in `without`.
pub(crate) fn upgrade_without(uri: &str, without: &[&str]) -> Builder {
    let lines = [
        ("Host", "server.example.com"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Protocol", "chat, superchat"),
        ("Sec-WebSocket-Version", "13"),
    ];
    lines
        .into_iter()
        .filter(|(name, _)| !without.contains(name))
        .fold(Request::get(uri), |request, (name, value)| request.header(name, value))
}

/// Returns the request as a server that can upgrade passes it on. The upgrade itself never happens.
pub(crate) fn upgradable<B>(mut request: Request<B>) -> Request<B> {
    request.extensions_mut().insert(hyper::upgrade::on(Request::new(())));
    request
}

/// Returns the response of `service` to `request`.
pub(crate) async fn answer<S, B, R>(service: S, request: Request<B>) -> Response<String>
where
    S: Service<Request<B>, Response = Response<R>, Error: Debug>,
    R: Body<Data: Buf, Error: Debug>,
{
    let (parts, body) = service.oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Response::from_parts(parts, String::from_utf8(body.to_vec()).unwrap())
}

/// Returns the response of `service` to a valid handshake.
pub(crate) async fn answer_upgrade<S, R>(service: S) -> Response<String>
where
    S: Service<Request<()>, Response = Response<R>, Error: Debug>,
    R: Body<Data: Buf, Error: Debug>,
{
    answer(service, upgradable(upgrade("/chat").body(()).unwrap())).await
}
