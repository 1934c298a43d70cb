//! What a connection is doing, and whether it has been idle for too long.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::tracked_io::WriteProgress;

/// How long an HTTP/2 connection may take to end after GOAWAY, if the server has nothing to send.
pub(super) const END_TIMEOUT: Duration = Duration::from_secs(5);

/// What a connection is doing, as counted by the guards below.
#[derive(Debug)]
pub(super) struct Activity {
    counts: Mutex<RequestCounts>,
    progress: Arc<WriteProgress>,
}

#[derive(Debug)]
struct RequestCounts {
    has_requested: bool,
    /// The number of upgrade requests so far.
    upgrades: u32,
    /// Whether the last of them is not answered yet.
    is_upgrading: bool,
    /// The number of open HTTP/2 streams. hyper closes idle HTTP/1.1 connections itself.
    streams: usize,
    /// The number of streams that wait for the client to read the response.
    blocked: usize,
    /// When one of these numbers last changed.
    changed: Instant,
}

/// How long a connection may be idle, and what counts as idle.
#[derive(Clone, Copy, Debug)]
pub(super) enum IdlePolicy {
    /// The connection is idle while the client does not read the response.
    Http1(Duration),
    /// The connection is idle while no stream makes progress.
    #[cfg_attr(not(feature = "http2"), allow(dead_code))]
    Http2(Duration),
    /// The same after GOAWAY. While the server has nothing to send, the limit is [`END_TIMEOUT`].
    EndingHttp2(Duration),
}

impl IdlePolicy {
    /// Returns when to look at a connection that begins now: it may have made a request at once,
    /// and have been idle since.
    pub(super) fn first_look(self, first_request: Instant) -> Instant {
        let (Self::Http1(limit) | Self::Http2(limit) | Self::EndingHttp2(limit)) = self;
        Instant::now().checked_add(limit).map_or(first_request, |idle| idle.min(first_request))
    }
}

/// What to do about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing until this time.
    Wait(Instant),
    /// Drop it: no request arrived, the client does not read the response, or it ignores GOAWAY.
    Drop,
    /// Shut it down gracefully: it was idle for too long.
    ShutDown,
}

impl Activity {
    pub(super) fn new(progress: Arc<WriteProgress>) -> Self {
        let now = Instant::now();
        let counts = RequestCounts {
            has_requested: false,
            upgrades: 0,
            is_upgrading: false,
            streams: 0,
            blocked: 0,
            changed: now,
        };
        Self { counts: Mutex::new(counts), progress }
    }

    /// Records that a complete request head has arrived.
    pub(super) fn on_request(&self) {
        self.with(|counts| counts.has_requested = true);
    }

    /// Returns the number of the upgrade request that is not answered yet.
    pub(super) fn upgrade(&self) -> Option<u32> {
        self.with(|counts| counts.is_upgrading.then_some(counts.upgrades))
    }

    /// Decides what to do at the time of [`first_look`](IdlePolicy::first_look), or when a wait is
    /// over. `first_request` is the deadline of the first request.
    pub(super) fn action(&self, now: Instant, policy: IdlePolicy, first_request: Instant) -> Action {
        if self.with(|counts| !counts.has_requested) {
            return if now < first_request { Action::Wait(first_request) } else { Action::Drop };
        }
        let (since, limit, action) = match policy {
            IdlePolicy::Http1(limit) => (self.progress.blocked_since(), limit, Action::Drop),
            IdlePolicy::Http2(limit) => (self.idle_since(), limit, Action::ShutDown),
            IdlePolicy::EndingHttp2(limit) => {
                let limit = if self.is_sending() { limit } else { END_TIMEOUT };
                (self.idle_since(), limit, Action::Drop)
            }
        };
        // If the idle time begins later, it cannot exceed the limit before this.
        let end = since.unwrap_or(now) + limit;
        match policy {
            _ if end <= now => action,
            // The limit becomes shorter once everything is sent.
            IdlePolicy::EndingHttp2(_) => Action::Wait(end.min(now + END_TIMEOUT)),
            _ => Action::Wait(end),
        }
    }

    /// Returns since when every stream waits for the client, or no stream is open.
    ///
    /// Data that the client reads also counts when it belongs to a stream that has already ended
    /// here.
    fn idle_since(&self) -> Option<Instant> {
        let changed = self.with(|counts| (counts.streams <= counts.blocked).then_some(counts.changed))?;
        Some(changed.max(self.progress.last()))
    }

    /// Returns whether a stream is open, or data waits for the client.
    fn is_sending(&self) -> bool {
        self.with(|counts| counts.streams > 0) || self.progress.blocked_since().is_some()
    }

    fn change(&self, f: impl FnOnce(&mut RequestCounts)) {
        self.with(|counts| {
            f(counts);
            counts.changed = Instant::now();
        });
    }

    fn with<R>(&self, f: impl FnOnce(&mut RequestCounts) -> R) -> R {
        f(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Notes an upgrade request until it is answered.
#[derive(Debug)]
pub(super) struct UpgradeGuard(Arc<Activity>);

impl UpgradeGuard {
    pub(super) fn new(activity: &Arc<Activity>) -> Self {
        activity.with(|counts| {
            counts.upgrades = counts.upgrades.wrapping_add(1);
            counts.is_upgrading = true;
        });
        Self(Arc::clone(activity))
    }
}

impl Drop for UpgradeGuard {
    fn drop(&mut self) {
        self.0.with(|counts| counts.is_upgrading = false);
    }
}

/// Counts an HTTP/2 stream while it is open.
#[cfg(feature = "http2")]
#[derive(Debug)]
pub(super) struct StreamGuard(Arc<Activity>);

#[cfg(feature = "http2")]
impl StreamGuard {
    pub(super) fn new(activity: &Arc<Activity>) -> Self {
        activity.with(|counts| counts.streams += 1);
        Self(Arc::clone(activity))
    }
}

#[cfg(feature = "http2")]
impl Drop for StreamGuard {
    fn drop(&mut self) {
        self.0.change(|counts| counts.streams -= 1);
    }
}

/// A WebSocket over HTTP/2. hyper sends its data on a task of its own, which remains after the
/// socket until the client has taken the data. From then on the stream counts as blocked.
#[cfg(feature = "http2")]
#[derive(Clone, Debug)]
pub(super) struct SocketStream(Arc<Socket>);

#[cfg(feature = "http2")]
#[derive(Debug)]
struct Socket {
    activity: Arc<Activity>,
    state: Mutex<SocketState>,
}

#[cfg(feature = "http2")]
#[derive(Clone, Copy, Debug, Default)]
struct SocketState {
    is_over: bool,
    /// Whether hyper's task is running.
    has_task: bool,
}

#[cfg(feature = "http2")]
impl SocketStream {
    pub(super) fn new(activity: &Arc<Activity>) -> Self {
        Self(Arc::new(Socket { activity: Arc::clone(activity), state: Mutex::default() }))
    }

    /// Returns a guard that the socket holds.
    pub(super) fn socket(&self) -> SocketGuard {
        SocketGuard { socket: Arc::clone(&self.0), end: |state| state.is_over = true }
    }

    /// Returns a guard that hyper's task holds.
    pub(super) fn task(&self) -> SocketGuard {
        self.0.change(|state| state.has_task = true);
        SocketGuard { socket: Arc::clone(&self.0), end: |state| state.has_task = false }
    }
}

#[cfg(feature = "http2")]
impl Socket {
    fn change(&self, f: impl FnOnce(&mut SocketState)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_blocked = |state: &SocketState| state.is_over && state.has_task;
        let before = is_blocked(&state);
        f(&mut state);
        match (before, is_blocked(&state)) {
            (false, true) => self.activity.change(|counts| counts.blocked += 1),
            (true, false) => self.activity.change(|counts| counts.blocked -= 1),
            _ => {}
        }
    }
}

/// Notes the end of a socket, or of its task, when it is dropped.
#[cfg(feature = "http2")]
#[derive(Debug)]
pub(super) struct SocketGuard {
    socket: Arc<Socket>,
    end: fn(&mut SocketState),
}

#[cfg(feature = "http2")]
impl Drop for SocketGuard {
    fn drop(&mut self) {
        self.socket.change(self.end);
    }
}

/// Counts data of an HTTP/2 response as a blocked stream until it is written. `h2` buffers the rest
/// of a response whose stream has already ended here.
#[derive(Debug)]
pub(super) struct DataGuard(Arc<Activity>);

impl Drop for DataGuard {
    fn drop(&mut self) {
        self.0.change(|counts| {
            counts.streams -= 1;
            counts.blocked -= 1;
        });
    }
}

/// Counts an HTTP/2 response body as blocked while it waits for the client.
#[derive(Debug)]
pub(super) struct BodyGuard {
    activity: Arc<Activity>,
    is_blocked: bool,
}

impl BodyGuard {
    /// Creates the guard of a blocked body: the client has to read the response's head first.
    pub(super) fn new(activity: Arc<Activity>) -> Self {
        activity.change(|counts| counts.blocked += 1);
        Self { activity, is_blocked: true }
    }

    /// Returns a guard for data of this body.
    pub(super) fn data(&self) -> DataGuard {
        self.activity.change(|counts| {
            counts.streams += 1;
            counts.blocked += 1;
        });
        DataGuard(Arc::clone(&self.activity))
    }

    /// Records whether data waits for the client, after it has read all earlier data.
    pub(super) fn set_blocked(&mut self, is_blocked: bool) {
        match (mem::replace(&mut self.is_blocked, is_blocked), is_blocked) {
            (false, true) => self.activity.change(|counts| counts.blocked += 1),
            (true, false) => self.activity.change(|counts| counts.blocked -= 1),
            // The client has read the earlier data, and more is waiting now.
            (true, true) => self.activity.change(|_| {}),
            (false, false) => {}
        }
    }
}

impl Drop for BodyGuard {
    fn drop(&mut self) {
        self.set_blocked(false);
    }
}

#[cfg(all(test, feature = "http2"))]
mod tests;
