//! Counting open sockets, and ending them all.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    sync::{Notify, futures::OwnedNotified},
    time::Instant,
};

/// Tracks open WebSockets and closes them on shutdown. HTTP servers cannot do this: they stop
/// tracking an HTTP/1.1 connection once it is upgraded, and wait for an HTTP/2 one for as long as a
/// socket is open on it.
///
/// [`start`](Self::start) rejects new upgrades with 503 and sends Close 1001 on every open socket,
/// behind what was sent before; a handler still receives until the peer's Close.
/// [`start_spread`](Self::start_spread) sends them one after the other, so that not all clients
/// come back at once. [`drain`](Self::drain) waits for the sockets to close, up to a deadline, and
/// then drops the remaining ones. Clones are one handle; a socket that opens late sees a shutdown
/// that has begun.
///
/// This crate's [`serve`](crate::serve()) does all this by itself. Elsewhere, pass the handle to a
/// layer or acceptor with [`Config::with_shutdown`](crate::Config::with_shutdown):
///
/// ```no_run
/// use std::time::Duration;
/// use axum::Router;
/// use tower_websocket::{Config, Shutdown, WebSocketUpgradeLayer};
///
/// # async fn run() -> std::io::Result<()> {
/// let shutdown = Shutdown::new();
/// let layer = WebSocketUpgradeLayer::accept_all(async |mut socket| {
///     while let Some(Ok(_)) = socket.recv().await {}
/// });
/// let app = Router::new().layer(layer.with_config(Config::new().with_shutdown(&shutdown)));
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
    /// Told when the stage after that of the same number begins, once.
    begins: [Arc<Notify>; 3],
    /// There before the stage is [`Stage::Spreading`].
    spread: OnceLock<Spread>,
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
    /// Open sockets are to send Close 1001, each in its turn.
    Spreading,
    /// Open sockets are to send Close 1001.
    Draining,
    /// Open sockets are to be dropped.
    Dropping,
}

/// The turns of a shutdown that sends its Closes one after the other.
#[derive(Debug)]
struct Spread {
    from: Instant,
    over: Duration,
    /// How many sockets were open when it began.
    sockets: usize,
    /// How many of them have their turn.
    turns: AtomicUsize,
}

impl Spread {
    /// Returns when the next socket's turn is, or `None` if that is later than the clock can show.
    fn next_turn(&self) -> Option<Instant> {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed).min(self.sockets);
        let after = self.over.as_secs_f64() * turn as f64 / self.sockets.max(1) as f64;
        self.from.checked_add(Duration::try_from_secs_f64(after).ok()?)
    }
}

impl Shutdown {
    /// Creates a handle with no sockets.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns how many sockets are open. A socket counts from the check of its request until the
    /// end of the closing handshake.
    pub fn connections(&self) -> usize {
        self.0.open.load(Ordering::Acquire)
    }

    /// Returns `true` if the shutdown has begun.
    pub fn is_shutting_down(&self) -> bool {
        self.stage() > Stage::Running
    }

    /// Starts the shutdown without waiting. New upgrades are rejected with 503, and every open
    /// socket sends Close 1001.
    ///
    /// If the Closes are being [spread](Self::start_spread), the remaining ones are sent now.
    pub fn start(&self) {
        self.advance(Stage::Draining);
    }

    /// Starts the shutdown without waiting, and sends the Closes evenly spread over a time, so that
    /// not all clients come back to the other servers at once. New upgrades are rejected with 503
    /// from now on.
    ///
    /// Of 1,000 open sockets and 30 s, one sends Close 1001 every 30 ms. Until its turn, a socket
    /// works as before. A socket that opens late, as its upgrade was accepted before, gets a turn
    /// as well. If the shutdown has begun, nothing changes.
    ///
    /// [`drain`](Self::drain) then waits for the sockets. Its deadline holds for those that still
    /// wait for their turn too: they are dropped without a Close, so it has to be later than the
    /// last turn.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_websocket::Shutdown;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let shutdown = Shutdown::new();
    /// // Later, at SIGTERM:
    /// shutdown.start_spread(Duration::from_secs(30));
    /// let dropped = shutdown.drain(Duration::from_secs(40)).await;
    /// # assert_eq!(dropped, 0);
    /// # }
    /// ```
    pub fn start_spread(&self, over: Duration) {
        self.0.spread.get_or_init(|| Spread {
            from: Instant::now(),
            over,
            sockets: self.connections(),
            turns: AtomicUsize::new(0),
        });
        self.advance(Stage::Spreading);
    }

    /// [Starts](Self::start) the shutdown, unless it has begun, and waits until every socket is
    /// closed, up to `timeout`; then drops the remaining sockets with their handlers. Returns how
    /// many sockets did not close properly: those that were dropped now, and those whose closing
    /// handshake [made no progress](crate::Config::close_timeout) and that were cut since
    /// the shutdown began.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If it is dropped, the shutdown goes on, but nothing is dropped
    /// at the deadline.
    pub async fn drain(&self, timeout: Duration) -> usize {
        if !self.is_shutting_down() {
            self.start();
        }
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
            1 => Stage::Spreading,
            2 => Stage::Draining,
            _ => Stage::Dropping,
        }
    }

    fn advance(&self, stage: Stage) {
        let before = self.0.stage.fetch_max(stage as u8, Ordering::AcqRel);
        for begins in self.0.begins.iter().take(stage as usize).skip(before as usize) {
            begins.notify_waiters();
        }
    }

    /// Counts a socket, unless the shutdown has begun.
    pub(crate) fn enter(&self) -> Option<Open> {
        self.0.open.fetch_add(1, Ordering::AcqRel);
        // Counted before it looks: whoever drains either is seen here or sees this socket.
        let open = Open { shutdown: self.clone(), seen: Stage::Running, next: None };
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

/// One counted socket, and its eye on the shutdown.
#[derive(Debug)]
pub(crate) struct Open {
    shutdown: Shutdown,
    seen: Stage,
    /// What wakes the socket when the next stage begins.
    next: Option<Pin<Box<OwnedNotified>>>,
}

impl Open {
    /// The socket is cut, as its closing handshake timed out.
    pub(crate) fn note_cut(&self) {
        if self.shutdown.is_shutting_down() {
            self.shutdown.0.cut.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Returns when the socket is to send its Close in the stage [`Spreading`](Stage::Spreading),
    /// or `None` if that never comes. Each call takes another turn.
    pub(crate) fn take_turn(&self) -> Option<Instant> {
        self.shutdown.0.spread.get().and_then(Spread::next_turn)
    }

    /// Ready with each new stage once. `cx` has the same waker each time, which is registered once
    /// for each stage: while nothing changes, this is one atomic load.
    pub(crate) fn poll_stage(&mut self, cx: &mut Context<'_>) -> Poll<Stage> {
        loop {
            let stage = self.shutdown.stage();
            if stage > self.seen {
                self.seen = stage;
                self.next = None;
                return Poll::Ready(stage);
            }
            if self.next.is_some() {
                return Poll::Pending;
            }
            let Some(begins) = self.shutdown.0.begins.get(stage as usize) else { return Poll::Pending };
            let mut next = Box::pin(Arc::clone(begins).notified_owned());
            if next.as_mut().poll(cx).is_pending() {
                self.next = Some(next);
            }
            // It may have begun just before: look again.
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.shutdown.0.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.shutdown.0.idle.notify_waiters();
        }
    }
}
