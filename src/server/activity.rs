//! What a connection is doing, and when it has done nothing for too long.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::io::Pace;

/// What a connection is doing.
#[derive(Debug)]
pub(super) struct Activity {
    state: Mutex<State>,
    pace: Arc<Pace>,
}

#[derive(Debug)]
struct State {
    has_requested: bool,
    /// Whether an upgrade was requested that is not answered yet.
    is_asked: bool,
    /// How many HTTP/2 streams are open. Of HTTP/1.1 hyper takes care.
    streams: usize,
    /// On how many of them it is the client who has to go on: it is to take what there is of the response.
    waiting: usize,
    /// When one of these last changed.
    changed: Instant,
}

/// What a connection may do for how long.
#[derive(Clone, Copy, Debug)]
pub(super) enum Patience {
    /// Leave lying what it is sent.
    Http1(Duration),
    /// Nothing.
    #[cfg_attr(not(feature = "http2"), allow(dead_code))]
    Http2(Duration),
}

/// What to do about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing before then.
    LookAgain(Instant),
    /// It is to be dropped: there was never a request, or the client does not take the response.
    Drop,
    /// It is to be ended: nothing went on for too long.
    End,
}

impl Activity {
    pub(super) fn new(pace: Arc<Pace>) -> Self {
        let state =
            State { has_requested: false, is_asked: false, streams: 0, waiting: 0, changed: Instant::now() };
        Self { state: Mutex::new(state), pace }
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
    pub(super) fn close(&self) {
        self.with(|state| {
            state.streams -= 1;
            state.changed = Instant::now();
        });
    }

    /// On an HTTP/2 stream it is the client who has to go on.
    pub(super) fn wait(&self) {
        self.with(|state| {
            state.waiting += 1;
            state.changed = Instant::now();
        });
    }

    /// On an HTTP/2 stream the client has gone on, and has to do so again.
    pub(super) fn touch(&self) {
        self.with(|state| state.changed = Instant::now());
    }

    /// On an HTTP/2 stream it is no longer the client who has to go on.
    pub(super) fn go_on(&self) {
        self.with(|state| {
            state.waiting -= 1;
            state.changed = Instant::now();
        });
    }

    /// What to do when the deadline of the first request has passed, or a later look is due.
    pub(super) fn verdict(&self, now: Instant, patience: Patience) -> Verdict {
        if self.with(|state| !state.has_requested) {
            return Verdict::Drop;
        }
        let (since, patience, verdict) = match patience {
            Patience::Http1(patience) => (self.pace.stuck_since(), patience, Verdict::Drop),
            Patience::Http2(patience) => (self.idle_since(), patience, Verdict::End),
        };
        match since {
            // Whenever it begins, this comes before it has been so for too long.
            None => Verdict::LookAgain(now + patience),
            Some(since) if since + patience > now => Verdict::LookAgain(since + patience),
            Some(_) => verdict,
        }
    }

    /// Since when there is no stream but those that the client lets lie. What it takes may still be of one that has
    /// ended here.
    fn idle_since(&self) -> Option<Instant> {
        let changed = self.with(|state| (state.streams <= state.waiting).then_some(state.changed))?;
        Some(changed.max(self.pace.taken()))
    }

    fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(all(test, feature = "http2"))]
mod tests {
    use std::{sync::Arc, time::Duration};

    use tokio::time::{Instant, advance};

    use super::{Activity, Pace, Patience, Verdict};

    const PATIENCES: [Patience; 2] =
        [Patience::Http1(Duration::from_secs(60)), Patience::Http2(Duration::from_secs(60))];

    fn activity() -> Activity {
        Activity::new(Arc::new(Pace::new()))
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_request_it_is_dropped() {
        let (start, activity) = (Instant::now(), activity());
        for patience in PATIENCES {
            assert_eq!(activity.verdict(start, patience), Verdict::Drop);
        }
        activity.request();
        for patience in PATIENCES {
            assert_eq!(
                activity.verdict(start, patience),
                Verdict::LookAgain(start + Duration::from_secs(60))
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_idle_once_the_last_stream_ended_or_waits_for_the_client() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let (activity, [_, patience]) = (activity(), PATIENCES);
        activity.request();
        activity.open();
        activity.open();
        assert_eq!(activity.verdict(at(100), patience), Verdict::LookAgain(at(160)));
        advance(Duration::from_secs(110)).await;
        activity.close();
        assert_eq!(activity.verdict(at(120), patience), Verdict::LookAgain(at(180)));
        advance(Duration::from_secs(10)).await;
        activity.wait();
        assert_eq!(activity.verdict(at(160), patience), Verdict::LookAgain(at(180)));
        assert_eq!(activity.verdict(at(180), patience), Verdict::End);
        activity.go_on();
        assert_eq!(activity.verdict(at(200), patience), Verdict::LookAgain(at(260)));
        advance(Duration::from_secs(80)).await;
        activity.close();
        assert_eq!(activity.verdict(at(260), patience), Verdict::End);
    }
}
