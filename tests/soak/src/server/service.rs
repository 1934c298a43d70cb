//! The service: WebSockets, compressed ones, and a page.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use tower::{Layer, service_fn};
use tower_websocket::{
    Config, Deflate, Handshake, Rejection, WebSocket, WebSocketUpgradeLayer, server::HttpService,
};

use super::{handler, output::Output};

/// Returns a service with WebSockets at `/plain/ID`, compressed ones at `/deflate/ID` and, with
/// context takeover, `/takeover/ID`, and a page.
pub(super) fn service(keepalive: Duration, output: &Output) -> impl HttpService {
    let config = Config::new()
        .keepalive_interval(keepalive)
        .keepalive_timeout(keepalive)
        // A delay on a busy machine must not turn a clean end into another one.
        .close_timeout(Duration::from_secs(30));
    let layer = |folder: &'static str, config: Config| {
        let output = output.clone();
        WebSocketUpgradeLayer::new(service_fn(handshake), move |socket: WebSocket, id: u64| {
            handler::serve(socket, id, output.clone())
        })
        .with_config(config)
        .filter(move |request| request.uri.path().starts_with(folder))
    };
    let deflate = config.clone().deflate(Deflate::new());
    let takeover = config.clone().deflate(Deflate::new().context_takeover(true));
    let page = layer("/plain/", config).layer(service_fn(page));
    layer("/deflate/", deflate).layer(layer("/takeover/", takeover).layer(page))
}

/// Attaches the client's number. The query requests other behavior.
async fn handshake(request: Request<Handshake>) -> Result<Response<u64>, Rejection> {
    let uri = request.uri();
    match uri.query() {
        Some("refuse") => return Err(StatusCode::FORBIDDEN.into()),
        Some("panic") => panic!("{}", handler::ON_PURPOSE),
        Some("slow") => tokio::time::sleep(Duration::from_millis(200)).await,
        _ => {}
    }
    let id = uri.path().rsplit('/').next().and_then(|id| id.parse().ok());
    let id = id.ok_or(StatusCode::NOT_FOUND)?;
    Ok(request.into_body().accept(id))
}

async fn page<B>(request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    let large = request.uri().path() == "/large";
    Ok(Response::new(Full::from(if large { vec![b'x'; 1 << 20].into() } else { Bytes::from("page") })))
}
