//! Where the streams of an HTTP/2 connection run.

use std::{future::Future, sync::Arc};

use super::activity::Activity;
use hyper::rt::Executor;

/// Runs each stream of an HTTP/2 connection on a task of its own, and counts them.
///
/// hyper has one future for a request and its response, and one for what is sent on a stream after an extended
/// CONNECT: as long as either runs, the stream is open.
#[derive(Clone, Debug)]
pub(super) struct Streams(pub(super) Arc<Activity>);

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        let open = Open::new(&self.0);
        tokio::spawn(async move {
            let _open = open;
            future.await;
        });
    }
}

/// One counted stream.
struct Open(Arc<Activity>);

impl Open {
    fn new(activity: &Arc<Activity>) -> Self {
        activity.open();
        Self(Arc::clone(activity))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.close();
    }
}
