//! All the listeners of a server.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{connection::ConnectionContext, port::Accept};

/// How many waiting connections a server still accepts when it stops accepting.
const MAX_LAST: usize = 1024;

/// All the listeners of a server.
pub(super) struct Ports<S> {
    ports: Vec<Box<dyn Accept<S>>>,
    /// The port that is polled first.
    next: usize,
}

impl<S> Ports<S> {
    pub(super) fn new() -> Self {
        Self { ports: Vec::new(), next: 0 }
    }

    pub(super) fn push(&mut self, port: impl Accept<S> + 'static) {
        self.ports.push(Box::new(port));
    }

    /// Accepts from all ports in turn, so that many connections on one do not delay the others.
    pub(super) fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
        context: &mut ConnectionContext<S>,
        permit: &mut Option<OwnedSemaphorePermit>,
    ) -> Poll<()> {
        for _ in 0..self.ports.len() {
            let port = self.next;
            self.next = (port + 1) % self.ports.len();
            if self.ports[port].poll_accept(cx, context, permit).is_ready() {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    /// Accepts the connections that are already waiting. The system would reset them when the
    /// listener is closed.
    pub(super) fn poll_last(
        &mut self,
        cx: &mut Context<'_>,
        context: &mut ConnectionContext<S>,
        limit: Option<&Arc<Semaphore>>,
    ) -> Poll<()> {
        for _ in 0..MAX_LAST {
            let mut permit = match limit.map(|limit| Arc::clone(limit).try_acquire_owned()) {
                Some(Err(_)) => break,
                Some(Ok(permit)) => Some(permit),
                None => None,
            };
            if self.poll_accept(cx, context, &mut permit).is_pending() {
                break;
            }
        }
        Poll::Ready(())
    }
}
