//! Drives an HTTP connection of either version to its end.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
};

use hyper::server::conn::http1;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::idle::{Action, Activity, END_TIMEOUT, IdlePolicy};
use crate::shutdown::Stage;

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
    mut first_request: Instant,
    mut policy: IdlePolicy,
    mut stage: watch::Receiver<Stage>,
) {
    let mut timer = pin!(sleep_until(policy.first_look(first_request)));
    let mut server_is_there = true;
    // The upgrade request that a graceful shutdown waits for.
    let mut awaited = None;
    // Upgrade requests are answered while this task polls the connection, so this condition is
    // checked again after each answer. It needs no waker of its own. hyper may already have begun
    // the next pipelined request, which the shutdown does not wait for.
    let answered = |awaited: Option<u32>| {
        let activity = &activity;
        poll_fn(move |_| if activity.upgrade() == awaited { Poll::Pending } else { Poll::Ready(()) })
    };
    loop {
        // A connection's error is caused by the client: it disconnected, or it sent invalid HTTP
        // and got an error response.
        let was_idle = tokio::select! {
            biased;
            _ = connection.as_mut() => return,
            changed = stage.changed(), if server_is_there => {
                match changed.map(|()| *stage.borrow_and_update()) {
                    Ok(Stage::Running) => continue,
                    // hyper would send the 101 with `Connection: upgrade, close`. Browsers accept
                    // this as an upgrade, but some clients do not, such as tungstenite.
                    Ok(Stage::Spreading | Stage::Draining) => {
                        awaited = awaited.or_else(|| activity.upgrade());
                        if awaited.is_some() {
                            continue;
                        }
                        false
                    }
                    Ok(Stage::Dropping) => return,
                    // The server's future was dropped. Its connections continue without it.
                    Err(_) => {
                        server_is_there = false;
                        continue;
                    }
                }
            }
            () = answered(awaited), if awaited.is_some() => {
                awaited = None;
                false
            }
            () = timer.as_mut() => match activity.action(Instant::now(), policy, first_request) {
                Action::Wait(until) => {
                    timer.as_mut().reset(until);
                    continue;
                }
                Action::Drop => return,
                Action::ShutDown => true,
            },
        };
        connection.as_mut().graceful_shutdown();
        // hyper closes an idle HTTP/1.1 connection immediately. An HTTP/2 client gets GOAWAY first
        // and has time to react.
        if let IdlePolicy::Http2(limit) = policy {
            // During a graceful shutdown, a client may read responses as slowly as before.
            policy = IdlePolicy::EndingHttp2(if was_idle { END_TIMEOUT } else { limit.max(END_TIMEOUT) });
            let end = Instant::now() + END_TIMEOUT;
            first_request = first_request.min(end);
            timer.as_mut().reset(end);
        }
    }
}
