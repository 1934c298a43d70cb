//! What a connection is doing, and when it has done nothing for too long.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// What a connection is doing.
#[derive(Debug)]
pub(super) struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    has_requested: bool,
    /// Whether an upgrade was requested that is not answered yet.
    is_asked: bool,
    /// How many HTTP/2 streams are open. Of HTTP/1.1 hyper takes care.
    streams: usize,
    /// Since when it is none.
    idle_since: Instant,
}

/// What to do about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing before then.
    LookAgain(Instant),
    /// Nothing any more.
    LeaveAlone,
    /// It is to be dropped: there was never a request.
    Drop,
    /// It is to be ended: there was no stream for too long.
    End,
}

impl Activity {
    pub(super) fn new(now: Instant) -> Self {
        Self(Mutex::new(State { has_requested: false, is_asked: false, streams: 0, idle_since: now }))
    }

    /// A whole request head has come.
    pub(super) fn request(&self) {
        self.with(|state| state.has_requested = true);
    }

    /// An upgrade was requested.
    pub(super) fn ask(&self) {
        self.with(|state| state.is_asked = true);
    }

    /// It is answered.
    pub(super) fn answer(&self) {
        self.with(|state| state.is_asked = false);
    }

    pub(super) fn is_asked(&self) -> bool {
        self.with(|state| state.is_asked)
    }

    /// An HTTP/2 stream has opened.
    #[cfg(feature = "http2")]
    pub(super) fn open(&self) {
        self.with(|state| state.streams += 1);
    }

    /// An HTTP/2 stream has ended.
    #[cfg(feature = "http2")]
    pub(super) fn close(&self, now: Instant) {
        self.with(|state| {
            state.streams -= 1;
            state.idle_since = now;
        });
    }

    pub(super) fn has_streams(&self) -> bool {
        self.with(|state| state.streams > 0)
    }

    /// What to do when the deadline of the first request has passed, or a later look is due. `idle` is how long there
    /// may be no stream.
    pub(super) fn verdict(&self, now: Instant, idle: Option<Duration>) -> Verdict {
        self.with(|state| match idle {
            _ if !state.has_requested => Verdict::Drop,
            None => Verdict::LeaveAlone,
            // Whenever it becomes idle, this comes before it has been so for too long.
            Some(idle) if state.streams > 0 => Verdict::LookAgain(now + idle),
            Some(idle) if state.idle_since + idle > now => Verdict::LookAgain(state.idle_since + idle),
            Some(_) => Verdict::End,
        })
    }

    fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(all(test, feature = "http2"))]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Activity, Verdict};

    const IDLE: Option<Duration> = Some(Duration::from_secs(60));

    #[test]
    fn without_a_request_it_is_dropped() {
        let now = Instant::now();
        let activity = Activity::new(now);
        for idle in [None, IDLE] {
            assert_eq!(activity.verdict(now, idle), Verdict::Drop);
        }
        activity.request();
        assert_eq!(activity.verdict(now, None), Verdict::LeaveAlone);
    }

    #[test]
    fn it_is_idle_once_the_last_stream_ended_long_ago() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let activity = Activity::new(start);
        activity.request();
        activity.open();
        activity.open();
        assert_eq!(activity.verdict(at(100), IDLE), Verdict::LookAgain(at(160)));
        activity.close(at(110));
        activity.close(at(120));
        assert!(!activity.has_streams());
        assert_eq!(activity.verdict(at(160), IDLE), Verdict::LookAgain(at(180)));
        assert_eq!(activity.verdict(at(180), IDLE), Verdict::End);
    }
}
