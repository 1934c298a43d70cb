//! The servers under which the layer is tested.

use std::{
    convert::Infallible,
    future::{Future, IntoFuture, Ready, ready},
    net::SocketAddr,
    pin::Pin,
    time::Duration,
};

use axum::{Router, routing::get};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header::SERVER};
use http_body::Body;
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::{
    io::{DuplexStream, duplex},
    net::{TcpListener, TcpStream},
};
use tower::{BoxError, Layer, Service, ServiceBuilder, service_fn, util::ServiceFn};
use tower_http::{add_extension::AddExtensionLayer, set_header::SetResponseHeaderLayer};
use tower_websocket::{Handshake, Message, Rejection, WebSocket, WebSocketUpgradeLayer, serve};

use crate::wire::Wire;

/// A server on a free port: an echoing WebSocket at `/`, which rejects `/?refuse`, and a page at
/// `/page`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Server {
    AxumLayer,
    AxumRouteService,
    AxumFallbackService,
    HyperHttp1,
    #[cfg(feature = "http2")]
    HyperHttp2,
    HyperUtilAuto,
    Serve,
    ServeStack,
}

impl Server {
    /// The servers that accept HTTP/2 without TLS.
    #[cfg(feature = "http2")]
    pub(crate) const HTTP2: [Self; 5] = [
        Self::AxumLayer,
        Self::AxumRouteService,
        Self::AxumFallbackService,
        Self::HyperHttp2,
        Self::HyperUtilAuto,
    ];

    /// The servers that accept HTTP/1.1.
    pub(crate) const ALL: [Self; 7] = [
        Self::AxumLayer,
        Self::AxumRouteService,
        Self::AxumFallbackService,
        Self::HyperHttp1,
        Self::HyperUtilAuto,
        Self::Serve,
        Self::ServeStack,
    ];

    pub(crate) async fn start(self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let router = Router::new().route("/page", get(async || "page"));
        match self {
            Self::AxumLayer => {
                let router = router.route("/", get(async || "no WebSocket")).layer(echo_layer());
                tokio::spawn(axum::serve(listener, router).into_future());
            }
            Self::AxumRouteService => {
                let router = router.route_service("/", echo_layer().into_service());
                tokio::spawn(axum::serve(listener, router).into_future());
            }
            Self::AxumFallbackService => {
                let router = router.fallback_service(echo_layer().into_service());
                tokio::spawn(axum::serve(listener, router).into_future());
            }
            Self::HyperHttp1 => {
                let service = TowerToHyperService::new(echo_layer().layer(service_fn(page)));
                spawn_for_each(listener, move |io| {
                    http1::Builder::new().serve_connection(TokioIo::new(io), service.clone()).with_upgrades()
                });
            }
            #[cfg(feature = "http2")]
            Self::HyperHttp2 => {
                let service = TowerToHyperService::new(echo_layer().layer(service_fn(page)));
                spawn_for_each(listener, move |io| {
                    hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                        .enable_connect_protocol()
                        .serve_connection(TokioIo::new(io), service.clone())
                });
            }
            Self::HyperUtilAuto => {
                let service = TowerToHyperService::new(echo_layer().layer(service_fn(page)));
                let mut builder = auto::Builder::new(TokioExecutor::new());
                builder.http2().enable_connect_protocol();
                spawn_for_each(listener, move |io| {
                    builder.serve_connection_with_upgrades(TokioIo::new(io), service.clone()).into_owned()
                });
            }
            Self::Serve => {
                tokio::spawn(serve(listener, echo_layer().layer(service_fn(page))).into_future());
            }
            Self::ServeStack => {
                let stack = ServiceBuilder::new()
                    .layer(SetResponseHeaderLayer::overriding(SERVER, HeaderValue::from_static("stack")))
                    .timeout(Duration::from_secs(30))
                    .layer(AddExtensionLayer::new("anything"))
                    .layer(echo_layer())
                    .concurrency_limit(8)
                    .service_fn(page);
                tokio::spawn(serve(listener, stack).into_future());
            }
        }
        addr
    }
}

fn spawn_for_each<F, Fut>(listener: TcpListener, serve: F)
where
    F: Fn(TcpStream) -> Fut + Send + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: Send,
{
    tokio::spawn(async move {
        while let Ok((io, _)) = listener.accept().await {
            tokio::spawn(serve(io));
        }
    });
}

async fn page(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::new(Full::from("page"));
    if request.uri().path() != "/page" {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    Ok(response)
}

pub(crate) type EchoLayer = WebSocketUpgradeLayer<ServiceFn<Ask>, Echo>;
pub(crate) type Ask = fn(Request<Handshake>) -> Ready<Result<Response<()>, Rejection>>;
pub(crate) type Echo = fn(WebSocket, ()) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// Echoes messages, and rejects the query `refuse`.
pub(crate) fn echo_layer() -> EchoLayer {
    let ask: Ask = |request| match request.uri().query() {
        Some("refuse") => ready(Err((StatusCode::FORBIDDEN, "no").into())),
        _ => ready(Ok(request.into_body().accept(()))),
    };
    WebSocketUpgradeLayer::new(service_fn(ask), |socket, ()| Box::pin(echo(socket)))
}

/// The echo answers this message with the type of its IO.
pub(crate) const WHICH_IO: &str = "which IO is this?";

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        let answer = match &message {
            Message::Text(text) if text.as_str() == WHICH_IO => Message::text(which_io(&mut socket).await),
            Message::Text(_) | Message::Binary(_) => message,
            _ => continue,
        };
        if socket.send(answer).await.is_err() {
            break;
        }
    }
}

async fn which_io(socket: &mut WebSocket) -> &'static str {
    let which = socket.with_io(|upgraded| {
        #[cfg(unix)]
        if upgraded.as_unix().is_some() {
            return "bare unix";
        }
        if upgraded.as_tcp().is_some() { "bare TCP" } else { "boxed" }
    });
    which.await.expect("the connection is open")
}

/// Returns a client of `service`, which hyper serves in memory.
pub(crate) fn in_memory<S, B>(service: S) -> Wire<DuplexStream>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let (client, server) = duplex(64 * 1024);
    let http =
        http1::Builder::new().serve_connection(TokioIo::new(server), TowerToHyperService::new(service));
    tokio::spawn(http.with_upgrades());
    Wire::new(client)
}
