//! The streams of an HTTP/2 connection.

use std::{future::Future, sync::Arc};

use hyper::rt::Executor;

use crate::server::idle::{Activity, StreamGuard};

/// Runs each stream of an HTTP/2 connection on a task of its own, and counts them.
///
/// hyper has one future for a request and its response, and one for what is sent on a stream after
/// an extended CONNECT: as long as either runs, the stream is open.
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
