//! Drives an HTTP connection of either version to its end.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use hyper::server::conn::http1;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::idle::{Action, Activity, IdlePolicy};
use crate::shutdown::Stage;

/// How long an HTTP/2 connection may take to end after GOAWAY, if no stream makes progress.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// hyper's connection, of either HTTP version.
pub(super) trait HttpConnection: Future {
    fn graceful_shutdown(self: Pin<&mut Self>);
}

impl<IO, S> HttpConnection for http1::UpgradeableConnection<IO, S>
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

/// Drives a connection to its end. Closes it when a deadline passes or the server is shut down.
///
/// The connection is boxed, because tokio copies a task's future several times.
pub(super) async fn drive<C: HttpConnection>(
    mut connection: Pin<Box<C>>,
    activity: Arc<Activity>,
    first_request: Instant,
    mut policy: IdlePolicy,
    mut stage: watch::Receiver<Stage>,
) {
    let mut timer = pin!(sleep_until(first_request));
    let mut server_is_there = true;
    // Whether a graceful shutdown waits until an upgrade request is answered.
    let mut is_postponed = false;
    let mut is_shutting_down = false;
    // Upgrade requests are answered while this task polls the connection, so this condition is
    // checked again after each answer. It needs no waker of its own.
    let answered = || poll_fn(|_| if activity.is_upgrading() { Poll::Pending } else { Poll::Ready(()) });
    loop {
        // A connection's error is caused by the client: it disconnected, or it sent invalid HTTP
        // and got an error response.
        tokio::select! {
            biased;
            _ = connection.as_mut() => return,
            changed = stage.changed(), if server_is_there => {
                match changed.map(|()| *stage.borrow_and_update()) {
                    Ok(Stage::Running) => continue,
                    // hyper would add `Connection: close` to the 101, and clients reject that.
                    Ok(Stage::Spreading | Stage::Draining) if activity.is_upgrading() => {
                        is_postponed = true;
                        continue;
                    }
                    Ok(Stage::Spreading | Stage::Draining) => {}
                    Ok(Stage::Dropping) => return,
                    // The server's future was dropped. Its connections continue without it.
                    Err(_) => {
                        server_is_there = false;
                        continue;
                    }
                }
            }
            () = answered(), if is_postponed => is_postponed = false,
            () = timer.as_mut() => match activity.action(Instant::now(), policy) {
                Action::Wait(until) => {
                    timer.as_mut().reset(until);
                    continue;
                }
                Action::Drop => return,
                Action::ShutDown if is_shutting_down => return,
                Action::ShutDown => {}
            },
        }
        connection.as_mut().graceful_shutdown();
        // hyper closes an idle HTTP/1.1 connection immediately. An HTTP/2 client gets GOAWAY first
        // and has time to react.
        if let IdlePolicy::Http2(limit) = &mut policy {
            is_shutting_down = true;
            *limit = END_TIMEOUT;
            timer.as_mut().reset(Instant::now() + END_TIMEOUT);
        }
    }
}
