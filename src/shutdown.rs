//! Counting open sockets, and ending them all.

use std::{
    fmt, mem,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::sync::{Notify, futures::OwnedNotified};

/// Tracks open WebSockets and closes them on shutdown. HTTP servers cannot do this: they stop tracking an HTTP/1.1 connection
/// once it is upgraded, and wait for an HTTP/2 one for as long as a socket is open on it.
///
/// [`start`](Self::start) rejects new upgrades with 503 and sends Close 1001 on every open socket, behind what was sent
/// before; a handler still receives until the peer's Close. [`drain`](Self::drain) waits for that, up to a deadline, and then
/// drops the remaining sockets. Clones are one handle; a socket that opens late sees a shutdown that has begun.
///
/// This crate's [`serve`](crate::serve()) does all this by itself. Elsewhere, pass the handle to a layer or acceptor
/// with [`Config::shutdown`](crate::Config::shutdown):
///
/// ```no_run
/// use std::time::Duration;
/// use axum::Router;
/// use tower_websocket::{AcceptAll, Config, Shutdown, WebSocketUpgradeLayer};
///
/// # async fn run() -> std::io::Result<()> {
/// let shutdown = Shutdown::new();
/// let layer = WebSocketUpgradeLayer::new(AcceptAll::new(), async |mut socket, ()| {
///     while let Some(Ok(_)) = socket.recv().await {}
/// });
/// let app = Router::new().layer(layer.with_config(Config::new().shutdown(&shutdown)));
///
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
/// let stop = shutdown.clone();
/// let signal = async move {
///     drop(tokio::signal::ctrl_c().await);
///     stop.start();
/// };
/// axum::serve(listener, app).with_graceful_shutdown(signal).await?;
/// let dropped = shutdown.drain(Duration::from_secs(10)).await;
/// println!("{dropped} sockets did not close in time");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Shutdown(Arc<Inner>);

#[derive(Default)]
struct Inner {
    stage: AtomicU8,
    /// Told of each new stage.
    changed: Arc<Notify>,
    open: AtomicUsize,
    /// How many sockets were cut during the shutdown, as their closing handshake timed out.
    cut: AtomicUsize,
    /// Told when no socket is open any more.
    idle: Notify,
}

/// How far a shutdown is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Stage {
    Running,
    /// Open sockets are to say 1001.
    Draining,
    /// Open sockets are to be dropped.
    Dropping,
}

impl Shutdown {
    /// Creates a handle with no sockets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns how many sockets are open. A socket counts from the check of its request until the end of the closing handshake.
    pub fn connections(&self) -> usize {
        self.0.open.load(Ordering::Acquire)
    }

    /// Returns `true` if the shutdown has begun.
    pub fn is_shutting_down(&self) -> bool {
        self.stage() > Stage::Running
    }

    /// Starts the shutdown without waiting. New upgrades are rejected with 503, and every open socket sends Close 1001.
    pub fn start(&self) {
        self.advance(Stage::Draining);
    }

    /// [Starts](Self::start) the shutdown and waits until every socket is closed, up to `timeout`; then drops the remaining
    /// sockets with their handlers. Returns how many sockets did not close properly: those that were dropped now, and those
    /// whose closing handshake [made no progress](crate::Config::close_timeout) and that were cut since the shutdown began.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If it is dropped, the shutdown goes on, but nothing is dropped at the deadline.
    pub async fn drain(&self, timeout: Duration) -> usize {
        self.start();
        if tokio::time::timeout(timeout, self.idle()).await.is_ok() {
            return self.0.cut.load(Ordering::Acquire);
        }
        let left = self.connections();
        self.advance(Stage::Dropping);
        left + self.0.cut.load(Ordering::Acquire)
    }

    /// Waits until no socket is open, whether a shutdown has begun or not.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe.
    pub async fn idle(&self) {
        loop {
            let notified = self.0.idle.notified();
            if self.connections() == 0 {
                return;
            }
            notified.await;
        }
    }

    pub(crate) fn stage(&self) -> Stage {
        match self.0.stage.load(Ordering::Acquire) {
            0 => Stage::Running,
            1 => Stage::Draining,
            _ => Stage::Dropping,
        }
    }

    fn advance(&self, stage: Stage) {
        if self.0.stage.fetch_max(stage as u8, Ordering::AcqRel) < stage as u8 {
            self.0.changed.notify_waiters();
        }
    }

    /// Counts a socket, unless the shutdown has begun.
    pub(crate) fn enter(&self) -> Option<Open> {
        self.0.open.fetch_add(1, Ordering::AcqRel);
        // Counted before it looks: whoever drains either is seen here or sees this socket.
        let open = Open(self.clone());
        (!self.is_shutting_down()).then_some(open)
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown")
            .field("connections", &self.connections())
            .field("is_shutting_down", &self.is_shutting_down())
            .finish()
    }
}

/// One counted socket.
#[derive(Debug)]
pub(crate) struct Open(Shutdown);

impl Open {
    /// The socket is cut, as its closing handshake timed out.
    pub(crate) fn note_cut(&self) {
        if self.0.is_shutting_down() {
            self.0.0.cut.fetch_add(1, Ordering::AcqRel);
        }
    }

    pub(crate) fn watch(&self) -> Watch {
        Watch { shutdown: self.0.clone(), seen: Stage::Running, wait: None }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.0.0.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.0.idle.notify_waiters();
        }
    }
}

/// One socket's eye on the shutdown.
#[derive(Debug)]
pub(crate) struct Watch {
    shutdown: Shutdown,
    seen: Stage,
    /// What wakes the task, and the waker that it was told of.
    wait: Option<(Pin<Box<OwnedNotified>>, Waker)>,
}

impl Watch {
    /// Ready with each new stage once.
    ///
    /// While nothing changes this is one atomic load: the task is registered only when its waker changes.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Stage> {
        loop {
            let stage = self.shutdown.stage();
            if stage > mem::replace(&mut self.seen, stage) {
                self.wait = None;
                return Poll::Ready(stage);
            }
            match &mut self.wait {
                Some((_, waker)) if waker.will_wake(cx.waker()) => return Poll::Pending,
                Some((notified, waker)) => {
                    if notified.as_mut().poll(cx).is_pending() {
                        waker.clone_from(cx.waker());
                        return Poll::Pending;
                    }
                    self.wait = None;
                }
                None => {
                    let mut notified = Box::pin(Arc::clone(&self.shutdown.0.changed).notified_owned());
                    if notified.as_mut().poll(cx).is_pending() {
                        self.wait = Some((notified, cx.waker().clone()));
                    }
                    // The stage may have changed just before: look again.
                }
            }
        }
    }
}
