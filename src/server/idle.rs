//! What a connection is doing, and whether it has been idle for too long.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::tracked_io::WriteProgress;

/// What a connection is doing, as counted by the guards below.
#[derive(Debug)]
pub(super) struct Activity {
    counts: Mutex<Counts>,
    progress: Arc<WriteProgress>,
}

#[derive(Debug)]
struct Counts {
    has_requested: bool,
    /// Whether an upgrade request is not answered yet.
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
}

/// What to do about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing until this time.
    Wait(Instant),
    /// Drop it: no request arrived, or the client does not read the response.
    Drop,
    /// Shut it down gracefully: it was idle for too long.
    ShutDown,
}

impl Activity {
    pub(super) fn new(progress: Arc<WriteProgress>) -> Self {
        let now = Instant::now();
        let counts =
            Counts { has_requested: false, is_upgrading: false, streams: 0, blocked: 0, changed: now };
        Self { counts: Mutex::new(counts), progress }
    }

    /// Records that a complete request head has arrived.
    pub(super) fn on_request(&self) {
        self.with(|counts| counts.has_requested = true);
    }

    /// Returns whether an upgrade request is not answered yet.
    pub(super) fn is_upgrading(&self) -> bool {
        self.with(|counts| counts.is_upgrading)
    }

    /// Decides what to do when the first request's deadline has passed, or a wait is over.
    pub(super) fn action(&self, now: Instant, policy: IdlePolicy) -> Action {
        if self.with(|counts| !counts.has_requested) {
            return Action::Drop;
        }
        let (since, limit, action) = match policy {
            IdlePolicy::Http1(limit) => (self.progress.blocked_since(), limit, Action::Drop),
            IdlePolicy::Http2(limit) => (self.idle_since(), limit, Action::ShutDown),
        };
        match since {
            // If the idle time begins later, it cannot exceed the limit before this.
            None => Action::Wait(now + limit),
            Some(since) if since + limit > now => Action::Wait(since + limit),
            Some(_) => action,
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

    fn change(&self, f: impl FnOnce(&mut Counts)) {
        self.with(|counts| {
            f(counts);
            counts.changed = Instant::now();
        });
    }

    fn with<R>(&self, f: impl FnOnce(&mut Counts) -> R) -> R {
        f(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Counts an upgrade request until it is answered.
#[derive(Debug)]
pub(super) struct UpgradeGuard(Arc<Activity>);

impl UpgradeGuard {
    pub(super) fn new(activity: &Arc<Activity>) -> Self {
        activity.with(|counts| counts.is_upgrading = true);
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
