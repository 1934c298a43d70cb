//! Connecting to a service.

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

/// Asks `service` for a WebSocket.
///
/// To `request` is added what an opening handshake needs and it does not have: `Host` (`localhost`,
/// or what the URI names), `Connection`, `Upgrade`, `Sec-WebSocket-Version` and
/// `Sec-WebSocket-Key`. Everything else is sent as it is, so that wrong handshakes can be tried
/// too. Its extensions reach the service: what a server puts there, as axum's `ConnectInfo` or a
/// [`PeerAddr`](crate::server::PeerAddr), the test puts there.
///
/// # Errors
///
/// Returns the response if it is not a 101.
///
/// # Panics
///
/// Panics if `request` is not a valid URI or request, if the service fails or panics instead of
/// answering, if it does not answer within a day, or if its 101 is not one that a client may accept
/// (RFC 6455 §4.1).
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
        let answer = within_a_day(open(service, request), caller, "the service does not answer").await;
        answer.unwrap_or_else(|error| panic!("{caller}: {error}"))
    }
}

/// The outer error is one of the service or of the test.
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

    // Nothing is spawned: a panic of the service is the test's, and nothing is left behind.
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
        Ok(Ok(Client::new(UpgradedIo::from_hyper(io, None), response)))
    });
    match select(answer, http).await {
        Either::Left((Err(error), http)) => Err(merge_errors(http.await.0, error)),
        Either::Left((answer, _)) => answer,
        Either::Right(((served, _), answer)) => answer.await.map_err(|error| merge_errors(served, error)),
    }
}

/// The service knows more of what went wrong than the client, who only sees the connection end.
fn merge_errors(served: hyper::Result<()>, error: String) -> String {
    let error = served.map_err(error_chain).err().unwrap_or(error);
    format!("no usable answer of the service: {error}")
}

/// An error with all that caused it.
fn error_chain(error: impl Error) -> String {
    let mut chain = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(chain, ": {error}");
        cause = error.source();
    }
    chain
}
