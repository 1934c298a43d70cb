//! The future that runs a handler and maintains its connection.

use std::{
    any::Any,
    fmt,
    future::Future,
    mem,
    panic::{self, AssertUnwindSafe},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    connection::Waiter,
    shared::{Act, Shared},
};
use crate::trace::Scope;

pin_project! {
    /// A future that runs a handler and maintains its connection: writes, keepalive, and the
    /// closing handshake.
    ///
    /// - Messages that the handler sends are written when its poll returns, so that messages that
    ///   are written together cost one system call. See [`Config::cork`](crate::Config::cork).
    /// - While the handler does not receive, messages are [received for
    ///   it](crate::WebSocket#what-happens-while-the-handler-does-not-receive): pings are answered,
    ///   and the peer's Close or end of stream ends the connection.
    /// - If the handler's poll blocks inside `tokio::task::block_in_place` and the connection has
    ///   an event, a separate task does the driver's work after 2 ms. Outside of `block_in_place`,
    ///   this happens only if another thread of the runtime is awake.
    /// - Poll it on a task of the runtime. In another executor that blocks a thread of the runtime,
    ///   receiving stops after about half a millisecond of work, until there is another event.
    /// - Regardless of how the handler ends, this future completes the closing handshake first.
    ///
    /// Resolves to the handler's output, or to `None` if
    /// [`Shutdown::drain`](crate::Shutdown::drain) timed out and dropped the handler. If the
    /// handler panics, the panic is resumed once the connection is over.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tokio::net::{TcpListener, TcpStream};
    /// use tower_websocket::{AcceptAll, Acceptor, Error, WebSocket};
    ///
    /// async fn echo(mut socket: WebSocket<TcpStream>) -> Result<(), Error> {
    ///     while let Some(message) = socket.recv_data().await {
    ///         socket.send(message?).await?;
    ///     }
    ///     Ok(())
    /// }
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let acceptor = Acceptor::new(AcceptAll);
    /// let listener = TcpListener::bind("127.0.0.1:9001").await?;
    /// loop {
    ///     let (stream, _) = listener.accept().await?;
    ///     let acceptor = acceptor.clone();
    ///     tokio::spawn(async move {
    ///         if let Ok((socket, ())) = acceptor.accept(stream).await {
    ///             if let Some(Err(error)) = socket.drive(echo).await {
    ///                 eprintln!("{error}");
    ///             }
    ///         }
    ///     });
    /// }
    /// # }
    /// ```
    #[must_use = "futures do nothing unless polled"]
    pub struct Driver<IO, Fut: Future> {
        // The handler is dropped before the guard, which acts on what the handler left behind.
        #[pin]
        stage: HandlerStage<Fut>,
        guard: DriverGuard<IO>,
    }
}

pin_project! {
    /// The progress of a handler.
    #[project = HandlerStageProj]
    enum HandlerStage<Fut: Future> {
        Running { #[pin] handler: Fut, scope: Scope },
        Returned { output: Option<Fut::Output> },
        Panicked { panic: Option<Box<dyn Any + Send>> },
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin, Fut: Future> Driver<IO, Fut> {
    /// Calls `handler` while the driver is already registered, so that the call may use the socket.
    pub(super) fn new(shared: Arc<Shared<IO>>, handler: impl FnOnce() -> Fut) -> Self {
        let scope = shared.with(|connection, _| {
            connection.begin_driving();
            connection.scope()
        });
        let guard = DriverGuard { shared };
        Self { stage: HandlerStage::Running { handler: handler(), scope }, guard }
    }

    /// Polls the driver, and calls `on_output` in the handler's turn with the handler's output.
    pub(super) fn poll_with(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        on_output: impl FnOnce(&Shared<IO>, &Fut::Output),
    ) -> Poll<Option<Fut::Output>> {
        let mut this = self.project();
        let shared = &this.guard.shared;
        if let HandlerStageProj::Running { handler, scope } = this.stage.as_mut().project() {
            begin_turn(shared, cx);
            let poll = || {
                panic::catch_unwind(AssertUnwindSafe(|| {
                    handler.poll(cx).map(|output| {
                        on_output(shared, &output);
                        output
                    })
                }))
            };
            match scope.enter(poll) {
                Ok(Poll::Pending) => {}
                Ok(Poll::Ready(output)) => this.stage.set(HandlerStage::Returned { output: Some(output) }),
                Err(panic) => {
                    shared.with(|connection, deferred| connection.on_panic(deferred));
                    this.stage.set(HandlerStage::Panicked { panic: Some(panic) });
                }
            }
        }
        let has_handler = matches!(*this.stage, HandlerStage::Running { .. });
        let is_dropped = ready!(poll_over(shared, cx, has_handler));
        match this.stage.as_mut().project() {
            HandlerStageProj::Returned { output } => Poll::Ready(output.take()),
            HandlerStageProj::Panicked { panic } => {
                panic::resume_unwind(panic.take().expect("polled after its end"))
            }
            HandlerStageProj::Running { .. } if is_dropped => {
                this.stage.set(HandlerStage::Returned { output: None });
                Poll::Ready(None)
            }
            HandlerStageProj::Running { .. } => Poll::Pending,
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin, Fut: Future> Future for Driver<IO, Fut> {
    type Output = Option<Fut::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_with(cx, |_, _| {})
    }
}

/// Ends the turn of the handler, if it was polled, and does the driver's work. Ready when there is
/// no more. Returns `true` if a shutdown has dropped the connection.
pub(super) fn poll_over<IO>(shared: &Shared<IO>, cx: &mut Context<'_>, has_handler: bool) -> Poll<bool>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let (mut is_ended, mut is_due) = (false, false);
    let over = shared.poll(cx.waker(), Waiter::Driver, |connection, deferred| {
        if !mem::replace(&mut is_ended, true) {
            is_due = connection.end_turn(deferred);
        }
        match connection.is_done(has_handler) {
            true => Poll::Ready(connection.is_dropped()),
            false => Poll::Pending,
        }
    });
    if is_due {
        cx.waker().wake_by_ref();
    }
    over
}

/// Begins a turn of the handler. Because the handler may block, the IO and the timers first get the
/// task's waker, and pending events are handled.
pub(super) fn begin_turn<IO>(shared: &Shared<IO>, cx: &mut Context<'_>)
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    // Cloned in advance, because it must not be cloned under the lock.
    let mut waker = Some(cx.waker().clone());
    let is_to_look = shared.with(|connection, deferred| connection.begin_turn(&mut waker, deferred));
    if !is_to_look {
        return;
    }
    let _ = shared.poll(cx.waker(), Waiter::Driver, |_, _| Poll::<()>::Pending);
}

/// Notifies the connection when its driver is dropped.
struct DriverGuard<IO> {
    shared: Arc<Shared<IO>>,
}

impl<IO> Drop for DriverGuard<IO> {
    fn drop(&mut self) {
        self.shared.with(|connection, deferred| connection.end_driving(deferred));
        self.shared.act(Act::EnsureDriven);
    }
}

impl<IO, Fut: Future> fmt::Debug for Driver<IO, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}
