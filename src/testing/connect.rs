//! Connecting to a service in a test.

use std::{error::Error, fmt::Write, future::Future, panic::Location, pin::pin};

use bytes::Bytes;
use futures_util::future::{Either, join, select};
use http::{Request, Response, StatusCode, header::SEC_WEBSOCKET_KEY};
use http_body::Body;
use http_body_util::{BodyExt, Empty};
use hyper::{body::Incoming, client, server, upgrade};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::io::duplex;
use tower::{BoxError, Service, ServiceExt};

use super::{Client, IntoRequest, Rejected, request::complete, timeout::within_a_day};
use crate::{
    deflate::OwnOffer,
    handshake::{Offer, accept_key},
    io::UpgradedIo,
};

/// Sends an opening handshake to `service`, and returns the client of the WebSocket that it opens.
///
/// Missing parts of an opening handshake are added to `request`: `Host` (`localhost`, or the
/// authority of the URI), `Connection`, `Upgrade`, `Sec-WebSocket-Version` and `Sec-WebSocket-Key`.
/// Everything else is sent unchanged, so that invalid handshakes can be tested.
///
/// The extensions of `request` reach the service. A test thus provides values that a server would
/// add, such as axum's `ConnectInfo` or a [`PeerAddr`](crate::server::PeerAddr).
///
/// # Errors
///
/// Returns the response if its status is not 101.
///
/// # Panics
///
/// Panics if `request` is not a valid URI or request, if the service fails or panics instead of
/// answering, if it does not answer within a day, or if a client must not accept its 101 response
/// (RFC 6455 §4.1).
///
/// # Examples
///
/// See the [example](super) of the module.
#[track_caller]
pub fn connect<S, B>(service: S, request: impl IntoRequest) -> impl Future<Output = Result<Client, Rejected>>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>> + Clone + 'static,
    B: Body<Error: Into<BoxError>> + 'static,
{
    let caller = Location::caller();
    let mut request = request.into_request();
    complete(&mut request);
    async move {
        let answer = within_a_day(open(service, request), caller, "the service did not answer").await;
        answer.unwrap_or_else(|error| panic!("{caller}: {error}"))
    }
}

/// Connects. The outer error is an error of the service or of the test.
async fn open<S, B>(service: S, request: Request<()>) -> Result<Result<Client, Rejected>, String>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>> + Clone + 'static,
    B: Body<Error: Into<BoxError>> + 'static,
{
    let extensions = request.extensions().clone();
    let service = service.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().extend(extensions.clone());
        request
    });

    let (client, server) = duplex(64 * 1024);
    let server = server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(server), TowerToHyperService::new(service))
        .with_upgrades();
    let (mut sender, client) =
        client::conn::http1::handshake(TokioIo::new(client)).await.map_err(error_chain)?;

    // Nothing is spawned, so that a panic of the service is a panic of the test, and no task is
    // left behind.
    let http = pin!(join(server, client.with_upgrades()));
    let answer = pin!(async {
        let accept = accept_key(&request.headers()[SEC_WEBSOCKET_KEY]);
        let offer = Offer::upgrade(request.headers(), accept, OwnOffer::default());
        let response =
            sender.send_request(request.map(|()| Empty::<Bytes>::new())).await.map_err(error_chain)?;
        let (head, body) = response.into_parts();
        if head.status != StatusCode::SWITCHING_PROTOCOLS {
            let body = body.collect().await.map_err(error_chain)?.to_bytes();
            return Ok(Err(Rejected::new(Response::from_parts(head, body))));
        }
        let mut response = Response::from_parts(head, ());
        let io = upgrade::on(&mut response).await.map_err(error_chain)?;
        offer.check(response.status(), response.headers()).map_err(error_chain)?;
        Ok(Ok(Client::new(UpgradedIo::from_http1(io, None), response)))
    });
    match select(answer, http).await {
        Either::Left((Err(error), http)) => Err(merge_errors(http.await.0, error)),
        Either::Left((answer, _)) => answer,
        Either::Right(((served, _), answer)) => answer.await.map_err(|error| merge_errors(served, error)),
    }
}

/// Prefers the error of the service: the client only knows that the connection ended.
fn merge_errors(served: hyper::Result<()>, error: String) -> String {
    let error = served.map_err(error_chain).err().unwrap_or(error);
    format!("no valid answer from the service: {error}")
}

/// Returns an error followed by its chain of causes.
fn error_chain(error: impl Error) -> String {
    let mut chain = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(chain, ": {error}");
        cause = error.source();
    }
    chain
}
