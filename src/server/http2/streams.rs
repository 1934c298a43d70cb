//! The streams of an HTTP/2 connection.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
};

use hyper::rt::Executor;

use crate::{
    io::{Held, HoldIo},
    server::idle::{Activity, SocketStream, StreamGuard},
};

thread_local! {
    /// The socket whose response a stream has just returned. In the same poll, hyper spawns the
    /// task that sends the socket's data.
    static OPENED: Cell<Option<SocketStream>> = const { Cell::new(None) };
}

/// A request for a WebSocket, whose stream outlives it.
#[derive(Clone, Debug)]
pub(in crate::server) struct Opening(SocketStream);

impl Opening {
    pub(in crate::server) fn new(activity: &Arc<Activity>) -> Self {
        Self(SocketStream::new(activity))
    }

    /// Returns the extension of the request.
    pub(in crate::server) fn hold_io(&self) -> HoldIo {
        let stream = self.0.clone();
        HoldIo(Arc::new(move || Box::new(stream.socket()) as Held))
    }

    /// Notes that the response is being returned to hyper.
    pub(in crate::server) fn on_response(self) {
        OPENED.set(Some(self.0));
    }
}

/// Runs each stream of an HTTP/2 connection on its own task, and counts the open streams.
///
/// hyper spawns one future for a request with its response, and another one that sends data on a
/// stream after an extended CONNECT. The stream is open while either future runs.
#[derive(Clone, Debug)]
pub(in crate::server) struct Streams(pub(super) Arc<Activity>);

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        let guards = (StreamGuard::new(&self.0), OPENED.take().map(|opened| opened.task()));
        tokio::spawn(async move {
            let _guards = guards;
            let mut future = pin!(future);
            poll_fn(|cx| {
                let polled = future.as_mut().poll(cx);
                OPENED.take();
                polled
            })
            .await;
        });
    }
}
