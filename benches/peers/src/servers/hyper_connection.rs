//! HTTP/1.1 for the servers that are functions in a hyper service.

use std::{convert::Infallible, error::Error, future::ready};

use hyper::{
    Request, Response,
    body::{Body, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

pub(super) async fn hyper_connection<B>(io: TcpStream, respond: impl Fn(Request<Incoming>) -> Response<B>)
where
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let service = service_fn(move |request| ready(Ok::<_, Infallible>(respond(request))));
    // Its errors are those of clients that go away.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(io), service).with_upgrades().await;
}
