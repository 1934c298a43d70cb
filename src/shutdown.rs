//! Counts open sockets, and closes them on shutdown.

use std::{
    fmt, mem,
    num::NonZeroU32,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// Tracks open WebSockets and closes them on shutdown.
///
/// HTTP servers cannot do this. They stop tracking an HTTP/1.1 connection once it is upgraded, and
/// they wait for an HTTP/2 connection as long as any socket is open on it.
///
/// - [`start`](Self::start) rejects new upgrades with 503 and sends Close 1001 on every open
///   socket, after the data that was sent before. Handlers can still receive until the peer's Close
///   arrives.
/// - [`start_spread`](Self::start_spread) sends the Close frames one after another, so that not all
///   clients reconnect at the same time.
/// - [`drain`](Self::drain) waits for the sockets to close, up to a timeout, then drops the
///   remaining ones.
///
/// All clones share one state. A socket that opens after the shutdown has begun is closed as well.
///
/// This crate's [`serve`](crate::serve()) does all this by itself. With other servers, pass the
/// handle to a layer or acceptor with [`Config::with_shutdown`](crate::Config::with_shutdown).
///
/// # Examples
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
///     println!("closing {} sockets", stop.connections());
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
    /// Woken when a stage begins.
    sockets: Mutex<Wakers>,
    /// Set before the stage becomes [`Stage::Spreading`].
    spread: OnceLock<Spread>,
    open: AtomicUsize,
    /// The number of sockets dropped during the shutdown because their closing handshake timed out.
    cut: AtomicUsize,
    /// Notified when the last open socket has ended.
    idle: Notify,
}

/// The stage of a shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Stage {
    Running,
    /// Open sockets send Close 1001, each at its own time.
    Spreading,
    /// Open sockets send Close 1001.
    Draining,
    /// Open sockets are dropped.
    Dropping,
}

/// When each socket sends its Close in a spread shutdown.
#[derive(Debug)]
struct Spread {
    from: Instant,
    over: Duration,
    /// The number of open sockets when the shutdown began.
    sockets: usize,
    /// The number of sockets that have taken their turn.
    turns: AtomicUsize,
}

impl Spread {
    /// Returns when the next socket sends its Close, or `None` if the clock cannot represent that
    /// time.
    fn next_turn(&self) -> Option<Instant> {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed).min(self.sockets);
        let after = self.over.as_secs_f64() * turn as f64 / self.sockets.max(1) as f64;
        self.from.checked_add(Duration::try_from_secs_f64(after).ok()?)
    }
}

impl Shutdown {
    /// Creates a handle that tracks no sockets yet.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of open sockets.
    ///
    /// A socket counts from when its request is validated until the closing handshake ends.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn connections(&self) -> usize {
        self.0.open.load(Ordering::Acquire)
    }

    /// Returns `true` if the shutdown has begun.
    ///
    /// # Examples
    ///
    /// A health check that tells a load balancer to use other servers:
    ///
    /// ```
    /// use http::StatusCode;
    /// use tower_websocket::Shutdown;
    ///
    /// fn health(shutdown: &Shutdown) -> StatusCode {
    ///     match shutdown.is_shutting_down() {
    ///         true => StatusCode::SERVICE_UNAVAILABLE,
    ///         false => StatusCode::OK,
    ///     }
    /// }
    ///
    /// let shutdown = Shutdown::new();
    /// assert_eq!(health(&shutdown), StatusCode::OK);
    /// shutdown.start();
    /// assert_eq!(health(&shutdown), StatusCode::SERVICE_UNAVAILABLE);
    /// ```
    pub fn is_shutting_down(&self) -> bool {
        self.stage() > Stage::Running
    }

    /// Starts the shutdown without waiting. New upgrades are rejected with 503, and every open
    /// socket sends Close 1001.
    ///
    /// If [`start_spread`](Self::start_spread) was called before, the remaining Close frames are
    /// sent now.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn start(&self) {
        self.advance(Stage::Draining);
    }

    /// Starts the shutdown without waiting, and sends the Close frames at even intervals over a
    /// time. New upgrades are rejected with 503 from now on.
    ///
    /// This prevents all clients from reconnecting to the other servers at the same time. With
    /// 1,000 open sockets and 30 s, one socket sends Close 1001 every 30 ms.
    ///
    /// Until its turn, a socket works as before. A socket that opens late, because its upgrade was
    /// accepted before the shutdown, gets a turn as well. If the shutdown has already begun, this
    /// method does nothing.
    ///
    /// [`drain`](Self::drain) then waits for the sockets. When its timeout expires, it drops all
    /// remaining sockets without a Close, including those that still wait for their turn. Choose a
    /// timeout that is longer than `over`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_websocket::Shutdown;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let shutdown = Shutdown::new();
    /// // Later, on SIGTERM:
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

    /// Waits until every socket is closed, up to `timeout`, then drops the remaining sockets with
    /// their handlers. [Starts](Self::start) the shutdown if it has not begun.
    ///
    /// Returns how many sockets did not close properly. These are the sockets that were dropped
    /// now, and those that were dropped since the shutdown began because their closing handshake
    /// [made no progress](crate::Config::close_timeout).
    ///
    /// See the [example](Self#examples) of the type.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe. If it is dropped, the shutdown continues, but no socket is
    /// dropped when the timeout expires.
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

    /// Waits until no socket is open, whether or not a shutdown has begun.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe.
    ///
    /// # Examples
    ///
    /// ```
    /// use tower_websocket::Shutdown;
    ///
    /// async fn close_all(shutdown: &Shutdown) {
    ///     shutdown.start();
    ///     shutdown.idle().await;
    ///     println!("all sockets are closed");
    /// }
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// # runtime.block_on(close_all(&Shutdown::new()));
    /// ```
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
        if self.0.stage.fetch_max(stage as u8, Ordering::AcqRel) < stage as u8 {
            // In chunks, so that sockets that open or close meanwhile do not wait for long. Such a
            // socket sees the new stage itself.
            for start in (0..).step_by(CHUNK) {
                let wakers = self.0.sockets().chunk(start);
                let Some(wakers) = wakers else { break };
                wakers.into_iter().for_each(Waker::wake);
            }
        }
    }

    /// Counts a socket, unless the shutdown has begun.
    pub(crate) fn enter(&self) -> Option<Open> {
        self.0.open.fetch_add(1, Ordering::AcqRel);
        // Counts before it checks: a task that drains either sees this socket or is seen here.
        let open = Open { shutdown: self.clone(), seen: Stage::Running, slot: None };
        (!self.is_shutting_down()).then_some(open)
    }
}

impl Inner {
    fn sockets(&self) -> MutexGuard<'_, Wakers> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number of slots whose sockets are woken at a time.
const CHUNK: usize = 1024;

/// The wakers of sockets, each in a slot. A slot is small, because every socket has one.
#[derive(Default)]
struct Wakers {
    slots: Vec<Slot>,
    /// The free slot that was freed last.
    free: Option<NonZeroU32>,
    len: usize,
}

enum Slot {
    Used(Waker),
    /// The slot that was freed before this one.
    Free(Option<NonZeroU32>),
}

impl Wakers {
    fn add(&mut self, waker: Waker) -> NonZeroU32 {
        self.len += 1;
        if let Some(slot) = self.free {
            if let Slot::Free(next) = mem::replace(&mut self.slots[index(slot)], Slot::Used(waker)) {
                self.free = next;
            }
            return slot;
        }
        self.slots.push(Slot::Used(waker));
        let slot = u32::try_from(self.slots.len()).ok().and_then(NonZeroU32::new);
        slot.expect("a process has fewer than 2^32 sockets")
    }

    /// Returns the waker, which is dropped after the lock is released.
    fn remove(&mut self, slot: NonZeroU32) -> Slot {
        self.len -= 1;
        let waker = mem::replace(&mut self.slots[index(slot)], Slot::Free(self.free.replace(slot)));
        if self.len == 0 {
            *self = Self::default();
        }
        waker
    }

    /// Returns the wakers in [`CHUNK`] slots from `start` on, or `None` behind the last slot.
    fn chunk(&self, start: usize) -> Option<Vec<Waker>> {
        let waker = |slot: &Slot| match slot {
            Slot::Used(waker) => Some(waker.clone()),
            Slot::Free(_) => None,
        };
        let slots = self.slots.get(start..).filter(|slots| !slots.is_empty())?;
        Some(slots.iter().take(CHUNK).filter_map(waker).collect())
    }
}

fn index(slot: NonZeroU32) -> usize {
    slot.get() as usize - 1
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown")
            .field("connections", &self.connections())
            .field("is_shutting_down", &self.is_shutting_down())
            .finish()
    }
}

/// A counted socket, with the stage of the shutdown that it has seen.
#[derive(Debug)]
pub(crate) struct Open {
    shutdown: Shutdown,
    seen: Stage,
    /// The slot of the socket's waker.
    slot: Option<NonZeroU32>,
}

impl Open {
    /// Records that the socket was dropped because its closing handshake timed out.
    pub(crate) fn note_cut(&self) {
        if self.shutdown.is_shutting_down() {
            self.shutdown.0.cut.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Returns when the socket sends its Close in the stage [`Spreading`](Stage::Spreading), or
    /// `None` if it sends none. Each call takes another turn.
    pub(crate) fn take_turn(&self) -> Option<Instant> {
        self.shutdown.0.spread.get().and_then(Spread::next_turn)
    }

    /// Returns each new stage once.
    ///
    /// `cx` must have the same waker each time. The waker is registered once, so a call without a
    /// new stage costs one atomic load.
    pub(crate) fn poll_stage(&mut self, cx: &mut Context<'_>) -> Poll<Stage> {
        loop {
            let stage = self.shutdown.stage();
            if stage > self.seen {
                self.seen = stage;
                return Poll::Ready(stage);
            }
            if self.slot.is_some() {
                return Poll::Pending;
            }
            self.slot = Some(self.shutdown.0.sockets().add(cx.waker().clone()));
            // The stage may have begun just before the registration, so check again.
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            let waker = self.shutdown.0.sockets().remove(slot);
            drop(waker);
        }
        if self.shutdown.0.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.shutdown.0.idle.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests;
