//! Opening handshakes as values, and the answers to them.

use std::fmt::Debug;

use bytes::Buf;
use http::{Request, Response, request::Builder};
use http_body::Body;
use http_body_util::BodyExt;
use tower::{Service, ServiceExt};

/// The request of RFC 6455 §1.2, less its `Origin`, which is not that of its `Host`.
pub(crate) fn upgrade(uri: &str) -> Builder {
    upgrade_without(uri, &[])
}

/// The same, less the headers named in `without`.
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

/// The request as a server that can upgrade hands it over. The upgrade itself never comes.
pub(crate) fn upgradable<B>(mut request: Request<B>) -> Request<B> {
    request.extensions_mut().insert(hyper::upgrade::on(Request::new(())));
    request
}

/// What `service` answers to `request`.
pub(crate) async fn answer<S, B, R>(service: S, request: Request<B>) -> Response<String>
where
    S: Service<Request<B>, Response = Response<R>, Error: Debug>,
    R: Body<Data: Buf, Error: Debug>,
{
    let (parts, body) = service.oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Response::from_parts(parts, String::from_utf8(body.to_vec()).unwrap())
}

/// What `service` answers to a good handshake.
pub(crate) async fn answer_upgrade<S, R>(service: S) -> Response<String>
where
    S: Service<Request<()>, Response = Response<R>, Error: Debug>,
    R: Body<Data: Buf, Error: Debug>,
{
    answer(service, upgradable(upgrade("/chat").body(()).unwrap())).await
}
