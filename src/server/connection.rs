//! One connection.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{
    HttpService, PeerAddr,
    activity::{Activity, Patience, Verdict},
    requests::Requests,
    settings::Settings,
};
use crate::{
    io::{Pace, Place, Rewind, Served},
    shutdown::{Shutdown, Stage},
};

/// How long a connection that is told to end may take to do so, when there is nothing on it to wait for.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// What every connection of a server is served with.
#[derive(Clone, Debug)]
pub(super) struct Context<S> {
    pub(super) service: S,
    pub(super) shutdown: Shutdown,
    pub(super) settings: Arc<Settings>,
    pub(super) http1: http1::Builder,
    pub(super) stage: watch::Receiver<Stage>,
}

impl<S: HttpService> Context<S> {
    /// Serves a connection without TLS until it ends, or is upgraded, or misses a deadline, or the server says to end
    /// it.
    pub(super) async fn serve<IO, A>(self, io: IO, peer: PeerAddr<A>, place: Option<Place>)
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        A: Clone + Send + Sync + 'static,
    {
        let deadline = Instant::now() + self.settings.first_request();
        let pace = Arc::new(Pace::new());
        let io = Served::new(io, &pace, place);
        #[cfg(feature = "http2")]
        {
            let (mut this, mut io) = (self, io);
            let read = this.stage_or(deadline, super::preface::read(&mut io)).await;
            let Some(Ok((is_http2, unread))) = read else { return };
            let connection = Connection {
                io: Rewind::new(io, unread),
                peer,
                #[cfg(feature = "tls")]
                tls: None,
                deadline,
                pace,
                context: this,
            };
            if is_http2 { Box::pin(connection.http2()).await } else { connection.http1().await }
        }
        #[cfg(not(feature = "http2"))]
        Connection {
            io: Rewind::new(io, bytes::Bytes::new()),
            peer,
            #[cfg(feature = "tls")]
            tls: None,
            deadline,
            pace,
            context: self,
        }
        .http1()
        .await;
    }

    /// The same with TLS.
    #[cfg(feature = "tls")]
    pub(super) async fn serve_tls<IO, A>(
        mut self,
        io: IO,
        tls: super::Tls,
        peer: PeerAddr<A>,
        place: Option<Place>,
    ) where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
        A: Clone + Send + Sync + 'static,
    {
        let deadline = Instant::now() + self.settings.tls_handshake_timeout;
        let pace = Arc::new(Pace::new());
        let Some(Some((io, info))) = self.stage_or(deadline, tls.accept(Served::new(io, &pace, place))).await
        else {
            return;
        };
        #[cfg(feature = "http2")]
        let is_http2 = info.alpn_protocol() == Some(b"h2");
        let connection = Connection {
            io: Rewind::new(io, bytes::Bytes::new()),
            peer,
            tls: Some(info),
            deadline: Instant::now() + self.settings.first_request(),
            pace,
            context: self,
        };
        #[cfg(feature = "http2")]
        if is_http2 {
            return Box::pin(connection.http2()).await;
        }
        connection.http1().await;
    }

    /// The output of `future`, unless the deadline passes or the server is shut down before.
    #[cfg(any(feature = "http2", feature = "tls"))]
    async fn stage_or<F: Future>(&mut self, deadline: Instant, future: F) -> Option<F::Output> {
        let mut future = pin!(tokio::time::timeout_at(deadline, future));
        tokio::select! {
            biased;
            output = future.as_mut() => return output.ok(),
            running = self.stage.wait_for(|stage| *stage > Stage::Running) => if running.is_ok() {
                return None;
            },
        }
        // The server's future was dropped: its connections go on without it.
        future.await.ok()
    }
}

/// A connection on which HTTP is spoken.
struct Connection<IO, S, A> {
    io: Rewind<IO>,
    peer: PeerAddr<A>,
    #[cfg(feature = "tls")]
    tls: Option<super::TlsInfo>,
    /// When there has to be a request.
    deadline: Instant,
    pace: Arc<Pace>,
    context: Context<S>,
}

impl<IO, S, A> Connection<IO, S, A>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    S: HttpService,
    A: Clone + Send + Sync + 'static,
{
    async fn http1(self) {
        let (io, requests, Context { settings, http1, stage, .. }, deadline) = self.into_parts();
        let activity = Arc::clone(&requests.activity);
        let connection = http1.serve_connection(io, requests).with_upgrades();
        drive(connection, &activity, deadline, Patience::Http1(settings.write_timeout), stage).await;
    }

    #[cfg(feature = "http2")]
    async fn http2(self) {
        let (io, requests, Context { settings, stage, .. }, deadline) = self.into_parts();
        let activity = Arc::clone(&requests.activity);
        let streams = super::streams::Streams(Arc::clone(&activity));
        let connection = settings.http2(streams).serve_connection(io, requests);
        drive(connection, &activity, deadline, Patience::Http2(settings.http2_idle_timeout), stage).await;
    }

    fn into_parts(self) -> (TokioIo<Rewind<IO>>, Requests<S, A>, Context<S>, Instant) {
        let requests = Requests {
            service: self.context.service.clone(),
            peer: self.peer,
            #[cfg(feature = "tls")]
            tls: self.tls,
            shutdown: self.context.shutdown.clone(),
            activity: Arc::new(Activity::new(self.pace)),
        };
        (TokioIo::new(self.io), requests, self.context, self.deadline)
    }
}

/// hyper's connection of either version.
trait Http: Future {
    fn graceful_shutdown(self: Pin<&mut Self>);
}

/// Drives a connection to its end, and has it end at its deadlines and when the server is shut down.
async fn drive<C: Http>(
    connection: C,
    activity: &Activity,
    first_request: Instant,
    mut patience: Patience,
    mut stage: watch::Receiver<Stage>,
) {
    let mut connection = pin!(connection);
    let mut timer = pin!(sleep_until(first_request));
    let (mut is_watched, mut is_ending, mut is_told) = (true, false, false);
    // An upgrade is answered by the connection, on this task, so there is no other waker to be kept.
    let answered = || poll_fn(|_| if activity.is_asked() { Poll::Pending } else { Poll::Ready(()) });
    loop {
        // An error of the connection is the client's affair: it went away, or sent no HTTP and was told so.
        tokio::select! {
            biased;
            _ = connection.as_mut() => return,
            changed = stage.changed(), if is_watched => match changed.map(|()| *stage.borrow_and_update()) {
                Ok(Stage::Running) => continue,
                // hyper would have the 101 say `Connection: close`, which opens nothing.
                Ok(Stage::Draining) if activity.is_asked() => {
                    is_told = true;
                    continue;
                }
                Ok(Stage::Draining) => {}
                Ok(Stage::Dropping) => return,
                // The server's future was dropped: its connections go on without it.
                Err(_) => {
                    is_watched = false;
                    continue;
                }
            },
            () = answered(), if is_told => is_told = false,
            () = timer.as_mut() => match activity.verdict(Instant::now(), patience) {
                Verdict::LookAgain(at) => {
                    timer.as_mut().reset(at);
                    continue;
                }
                Verdict::Drop => return,
                Verdict::End if is_ending => return,
                Verdict::End => {}
            },
        }
        connection.as_mut().graceful_shutdown();
        // hyper ends an idle HTTP/1.1 connection at once. An HTTP/2 client is asked first.
        if let Patience::Http2(patience) = &mut patience {
            is_ending = true;
            *patience = END_TIMEOUT;
            timer.as_mut().reset(Instant::now() + END_TIMEOUT);
        }
    }
}

impl<IO, S> Http for http1::UpgradeableConnection<IO, S>
where
    Self: Future,
    S: hyper::service::HttpService<hyper::body::Incoming, Error: Into<tower::BoxError>>,
    S::ResBody: http_body::Body<Error: Into<tower::BoxError>> + 'static,
    IO: hyper::rt::Read + hyper::rt::Write + Unpin,
{
    fn graceful_shutdown(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

#[cfg(feature = "http2")]
impl<IO, S, E> Http for hyper::server::conn::http2::Connection<IO, S, E>
where
    Self: Future,
    S: hyper::service::HttpService<hyper::body::Incoming, Error: Into<tower::BoxError>>,
    S::ResBody: http_body::Body<Error: Into<tower::BoxError>> + 'static,
    IO: hyper::rt::Read + hyper::rt::Write + Unpin,
    E: hyper::rt::bounds::Http2ServerConnExec<S::Future, S::ResBody>,
{
    fn graceful_shutdown(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}
