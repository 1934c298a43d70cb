//! One HTTP connection.

use std::{pin::pin, time::Duration};

use http::{Request, Response};
use http_body::Body;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
};
use tower::{BoxError, Service};

use crate::shutdown::Stage;

/// Serves one HTTP connection until it ends, or is upgraded, or `stage` says to end it.
pub(super) async fn serve<IO, S, B>(
    io: IO,
    service: S,
    header_read_timeout: Duration,
    mut stage: watch::Receiver<Stage>,
) where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>, Future: Send>
        + Clone
        + Send
        + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(header_read_timeout);
    let connection = http.serve_connection(TokioIo::new(io), TowerToHyperService::new(service));
    let mut connection = pin!(connection.with_upgrades());
    loop {
        // An error of the connection is the client's affair: it went away, or sent no HTTP and was told so.
        tokio::select! {
            biased;
            _ = connection.as_mut() => return,
            stage = stage.changed() => match stage {
                Ok(()) => {}
                // The server's future was dropped: its connections go on without it.
                Err(_) => break,
            },
        }
        match *stage.borrow_and_update() {
            Stage::Running => {}
            Stage::Draining => connection.as_mut().graceful_shutdown(),
            Stage::Dropping => return,
        }
    }
    let _ = connection.await;
}
