//! Drives an HTTP connection of either version to its end.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
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

/// How long a connection may take to end once it is told to, when there is nothing on it to wait
/// for.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// hyper's connection of either version.
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

/// Drives a connection to its end, and ends it at its deadlines and when the server is shut down.
pub(super) async fn drive<C: HttpConnection>(
    connection: C,
    activity: &Activity,
    first_request: Instant,
    mut policy: IdlePolicy,
    mut stage: watch::Receiver<Stage>,
) {
    let mut connection = pin!(connection);
    let mut timer = pin!(sleep_until(first_request));
    let mut server_is_there = true;
    // A graceful shutdown that waits until an upgrade is answered.
    let mut is_postponed = false;
    let mut is_shutting_down = false;
    // The connection answers upgrades on this task, so it is polled again then: no other waker has
    // to be kept.
    let answered = || poll_fn(|_| if activity.is_upgrading() { Poll::Pending } else { Poll::Ready(()) });
    loop {
        // An error of the connection is the client's: it went away, or sent no HTTP and was
        // answered.
        tokio::select! {
            biased;
            _ = connection.as_mut() => return,
            changed = stage.changed(), if server_is_there => {
                match changed.map(|()| *stage.borrow_and_update()) {
                    Ok(Stage::Running) => continue,
                    // hyper would add `Connection: close` to the 101, with which no client opens the WebSocket.
                    Ok(Stage::Spreading | Stage::Draining) if activity.is_upgrading() => {
                        is_postponed = true;
                        continue;
                    }
                    Ok(Stage::Spreading | Stage::Draining) => {}
                    Ok(Stage::Dropping) => return,
                    // The server's future was dropped: its connections go on without it.
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
        // hyper ends an idle HTTP/1.1 connection at once. An HTTP/2 client is told first, and has
        // time to answer.
        if let IdlePolicy::Http2(limit) = &mut policy {
            is_shutting_down = true;
            *limit = END_TIMEOUT;
            timer.as_mut().reset(Instant::now() + END_TIMEOUT);
        }
    }
}
