//! The future that runs a handler and looks after its connection.

use std::{
    any::Any,
    fmt,
    future::{Future, Ready, ready},
    panic::{self, AssertUnwindSafe},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    closing::{CloseCode, CloseReason},
    shared::Shared,
};
use crate::trace::Scope;

pin_project! {
    /// Runs a handler and looks after its connection: writing, keepalive, and the end.
    ///
    /// What the handler sends is handed to the kernel when its poll returns, so that messages which leave
    /// together cost one system call, and none of them is late. However the handler ends, the closing handshake
    /// is finished before this future is.
    ///
    /// The output is the handler's, or `None` when a [`Shutdown`](crate::Shutdown) lost its patience and the handler
    /// was dropped. A panic in the handler goes on once the connection is over.
    #[must_use = "futures do nothing unless polled"]
    pub struct Driver<IO, Fut: Future> {
        // The handler is dropped before the guard looks at what it has left.
        #[pin]
        handler: Option<Fut>,
        output: Option<Result<Fut::Output, Box<dyn Any + Send>>>,
        scope: Option<Scope>,
        shared: Guard<IO>,
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin, Fut: Future> Driver<IO, Fut> {
    /// Calls `handler`, with the driver already there for what it does.
    pub(super) fn new(shared: Arc<Shared<IO>>, handler: impl FnOnce() -> Fut) -> Self {
        Self::with_release(shared, handler, |shared| {
            if release(shared) {
                shared.adopt();
            }
        })
    }

    fn with_release(
        shared: Arc<Shared<IO>>,
        handler: impl FnOnce() -> Fut,
        release: fn(&Arc<Shared<IO>>),
    ) -> Self {
        let scope = shared.try_lock().map(|mut connection| {
            connection.wakers().begin_driving();
            connection.scope()
        });
        let shared = Guard { shared, release };
        Self { handler: Some(handler()), output: None, scope, shared }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Driver<IO, Ready<()>> {
    /// A driver that looks after a connection whose handler is gone. Nobody takes its place: a runtime that shuts
    /// down drops whatever it is given. Then a connection that nobody reads is over, or whoever still has a sender
    /// would keep it for ever.
    pub(super) fn background(shared: Arc<Shared<IO>>) -> Self {
        Self::with_release(
            shared,
            || ready(()),
            |shared| {
                release(shared);
                if let Some(mut connection) = shared.try_lock() {
                    connection.leave();
                }
            },
        )
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin, Fut: Future> Future for Driver<IO, Fut> {
    type Output = Option<Fut::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let shared = &this.shared.shared;
        if let Some(mut connection) = shared.try_lock() {
            connection.cork(cx.waker());
        }
        if let Some(handler) = this.handler.as_mut().as_pin_mut() {
            let poll = || panic::catch_unwind(AssertUnwindSafe(|| handler.poll(cx)));
            let polled = match this.scope {
                Some(scope) => scope.enter(poll),
                None => poll(),
            };
            let output = match polled {
                Ok(Poll::Pending) => None,
                Ok(Poll::Ready(output)) => Some(Ok(output)),
                Err(panic) => {
                    // The socket may be elsewhere, and read on there.
                    if let Some(mut connection) = shared.try_lock() {
                        connection.begin_close(CloseCode::INTERNAL_ERROR, CloseReason::default());
                    }
                    Some(Err(panic))
                }
            };
            if output.is_some() {
                *this.output = output;
                this.handler.set(None);
            }
        }
        let (over, dropped) = match shared.try_lock() {
            Some(mut connection) => (connection.uncork(cx).is_ready(), connection.is_dropped()),
            None => (true, false),
        };
        match this.output.take() {
            Some(Ok(output)) if over => Poll::Ready(Some(output)),
            Some(Err(panic)) if over => panic::resume_unwind(panic),
            None if dropped => {
                this.handler.set(None);
                Poll::Ready(None)
            }
            output => {
                *this.output = output;
                Poll::Pending
            }
        }
    }
}

/// Tells the connection when its driver is gone.
struct Guard<IO> {
    shared: Arc<Shared<IO>>,
    /// As a pointer: `Drop` has no bounds.
    release: fn(&Arc<Shared<IO>>),
}

/// Tells the connection that its driver is gone; whether there is still a connection.
fn release<IO: AsyncRead + AsyncWrite + Unpin>(shared: &Shared<IO>) -> bool {
    let connection = shared.try_lock();
    let is_there = connection.is_some();
    if let Some(mut connection) = connection {
        connection.wakers().end_driving();
    }
    is_there
}

impl<IO> Drop for Guard<IO> {
    fn drop(&mut self) {
        (self.release)(&self.shared);
    }
}

impl<IO, Fut: Future> fmt::Debug for Driver<IO, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}
