//! The streams of an HTTP/2 connection.

use std::{future::Future, sync::Arc};

use hyper::rt::Executor;

use crate::server::idle::{Activity, StreamGuard};

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
        let open = StreamGuard::new(&self.0);
        tokio::spawn(async move {
            let _open = open;
            future.await;
        });
    }
}
