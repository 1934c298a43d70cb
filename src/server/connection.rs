//! One connection: TLS if the listener has it, then HTTP/1.1 or HTTP/2.

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::Either;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, watch},
    time::{Instant, timeout_at},
};

use super::{
    HttpService, PeerAddr,
    drive::drive,
    http2::Http2,
    idle::{Activity, IdlePolicy},
    requests::Requests,
    settings::ServerSettings,
    tls::{TlsConfig, TlsInfo},
    tracked_io::{TrackedIo, WriteProgress, unwrap_io},
};
use crate::{
    io::{Rewind, UnwrapIo},
    shutdown::{Shutdown, Stage},
};

/// How long after it was accepted a connection may still begin if the server is shut down: its
/// first bytes may not have been read yet.
const LAST_GRACE: Duration = Duration::from_secs(1);

/// The values that all connections of a server share.
#[derive(Clone, Debug)]
pub(super) struct ConnectionContext<S> {
    pub(super) service: S,
    pub(super) shutdown: Shutdown,
    pub(super) settings: Arc<ServerSettings>,
    pub(super) http1: http1::Builder,
    pub(super) stage: watch::Receiver<Stage>,
}

impl<S: HttpService> ConnectionContext<S> {
    /// Serves a connection without TLS until it ends, is upgraded, misses a deadline, or the server
    /// is shut down.
    pub(super) async fn serve<IO, A>(
        mut self,
        io: IO,
        peer: PeerAddr<A>,
        permit: Option<OwnedSemaphorePermit>,
    ) where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        A: Clone + Send + Sync + 'static,
    {
        let deadline = Instant::now() + self.settings.first_request();
        let progress = Arc::new(WriteProgress::new());
        let mut io = TrackedIo::new(io, &progress, permit);
        let Some(Ok((http2, unread))) = self.until(deadline, Http2::detect(&mut io)).await else { return };
        let io = Rewind::new(io, unread);
        let unwrap_io = Some(UnwrapIo(unwrap_io::<IO>));
        EstablishedConnection { io, peer, tls: None, unwrap_io, deadline, progress, context: self }
            .serve(http2)
            .await;
    }

    /// Performs the TLS handshake, then serves the connection in the same way.
    pub(super) async fn serve_tls<IO, A>(
        mut self,
        io: IO,
        tls: TlsConfig,
        peer: PeerAddr<A>,
        permit: Option<OwnedSemaphorePermit>,
    ) where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        A: Clone + Send + Sync + 'static,
    {
        let deadline = Instant::now() + self.settings.tls_handshake_timeout;
        let progress = Arc::new(WriteProgress::new());
        let io = TrackedIo::new(io, &progress, permit);
        let Some(Some((io, info))) = self.until(deadline, tls.accept(io)).await else { return };
        let http2 = Http2::agreed(&info);
        let deadline = Instant::now() + self.settings.first_request();
        let io = Rewind::new(io, Bytes::new());
        let tls = Some(info);
        EstablishedConnection { io, peer, tls, unwrap_io: None, deadline, progress, context: self }
            .serve(http2)
            .await;
    }

    /// Returns the output of `future`, or `None` if the deadline passes first, or if the server is
    /// shut down and the connection is not new.
    async fn until<F: Future>(&mut self, deadline: Instant, future: F) -> Option<F::Output> {
        let last = Instant::now() + LAST_GRACE;
        let mut future = pin!(future);
        let deadline = tokio::select! {
            biased;
            output = timeout_at(deadline, future.as_mut()) => return output.ok(),
            shutdown = self.stage.wait_for(|stage| *stage > Stage::Running) => match shutdown {
                Ok(_) => deadline.min(last),
                // The server's future was dropped. Its connections continue without it.
                Err(_) => deadline,
            },
        };
        // `wait_for` has marked the stage as seen, but the connection still has to be ended.
        self.stage.mark_changed();
        timeout_at(deadline, future).await.ok()
    }
}

/// A connection after the TLS handshake and the detection of HTTP/2.
struct EstablishedConnection<IO, S, A> {
    io: Rewind<IO>,
    peer: PeerAddr<A>,
    tls: Option<TlsInfo>,
    unwrap_io: Option<UnwrapIo>,
    /// When the first request must have arrived.
    deadline: Instant,
    progress: Arc<WriteProgress>,
    context: ConnectionContext<S>,
}

impl<IO, S, A> EstablishedConnection<IO, S, A>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: HttpService,
    A: Clone + Send + Sync + 'static,
{
    fn serve(self, http2: Option<Http2>) -> impl Future<Output = ()> + Send {
        let Self { io, peer, tls, unwrap_io, deadline, progress, context } = self;
        let ConnectionContext { service, shutdown, settings, http1, stage } = context;
        let activity = Arc::new(Activity::new(progress));
        let requests = Requests { service, peer, tls, unwrap_io, shutdown, activity: Arc::clone(&activity) };
        let io = TokioIo::new(io);
        match http2 {
            None => {
                let policy = IdlePolicy::Http1(settings.write_timeout);
                drop(settings);
                let connection = http1.serve_connection(io, requests).with_upgrades();
                Either::Left(drive(Box::pin(connection), activity, deadline, policy, stage))
            }
            Some(http2) => {
                let policy = settings.http2.idle_policy();
                let max_header_size = settings.max_header_size;
                let connection = settings.http2.connection(http2, max_header_size, &activity, io, requests);
                Either::Right(drive(Box::pin(connection), activity, deadline, policy, stage))
            }
        }
    }
}
