//! What the system and proxies may hold that the peer has yet to read: nothing of that shows, so it
//! is estimated.

use std::time::Duration;

use tokio::time::Instant;

/// How many bytes at once may take a slow peer longer to read than a closing handshake takes.
const HEAVY: usize = 64 * 1024;

/// What the system and proxies may hold that the peer has yet to read.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// How many bytes the IO took since the peer last answered.
    unanswered: usize,
    /// How many bytes the IO took since it last took [`HEAVY`] of them, and when that was.
    recent: usize,
    heavy: Option<Instant>,
    /// The peer, since the IO first took nothing.
    slow: Option<Box<Slow>>,
}

/// How long the peer's speed is measured: a proxy's buffers may grow for a while, which is not the
/// peer's doing.
const WINDOW: Duration = Duration::from_secs(10);

/// For how much longer a slow peer is waited for at most, in seconds: it may have gone.
const MAX_DURATION: f64 = 300.0;

/// A peer that is slower than what is sent to it.
#[derive(Debug)]
struct Slow {
    /// When the IO first took nothing.
    since: Instant,
    /// When the IO last took bytes, and how many it took in all.
    last: Mark,
    /// The beginning of the window before the present one, and that of the present one.
    windows: [Mark; 2],
}

/// How many bytes the IO had taken at a time.
#[derive(Clone, Copy, Debug)]
struct Mark {
    at: Instant,
    bytes: usize,
}

impl Backlog {
    /// Counts bytes that the IO took; returns whether there are so many now that
    /// [`heavy`](Self::heavy) is to be called.
    pub(super) fn count(&mut self, bytes: usize) -> bool {
        self.unanswered = self.unanswered.saturating_add(bytes);
        self.recent += bytes;
        self.recent >= HEAVY
    }

    /// Many bytes were taken.
    pub(super) fn heavy(&mut self, now: Instant) {
        self.recent = 0;
        self.heavy = Some(now);
    }

    /// The IO took nothing for the first time, or takes bytes again.
    pub(super) fn slow(&mut self, bytes: usize, now: Instant) {
        match &mut self.slow {
            Some(slow) => {
                slow.last = Mark { at: now, bytes: slow.last.bytes.saturating_add(bytes) };
                if now.saturating_duration_since(slow.windows[1].at) >= WINDOW {
                    slow.windows = [slow.windows[1], slow.last];
                }
            }
            None => {
                let mark = Mark { at: now, bytes: self.unanswered };
                self.slow = Some(Box::new(Slow { since: now, last: mark, windows: [mark; 2] }));
            }
        }
    }

    /// The peer has read everything that was sent before its answer.
    pub(super) fn answered(&mut self) {
        self.unanswered = 0;
        self.slow = None;
    }

    /// The peer has sent something, which says nothing of what it has read.
    pub(super) fn received(&mut self) {
        if self.slow.is_none() {
            self.unanswered = 0;
        }
    }

    /// Returns whether many bytes were sent less than `time` before `at`.
    pub(super) fn is_heavy(&self, at: Instant, time: Duration) -> bool {
        self.heavy.is_some_and(|heavy| at.saturating_duration_since(heavy) < time)
    }

    /// Returns how long the peer takes to read what is on the way, at the speed that it had.
    pub(super) fn duration(&self) -> Duration {
        let Some(Slow { since, last, windows: [window, _] }) = self.slow.as_deref() else {
            return Duration::ZERO;
        };
        let bytes = last.bytes.saturating_sub(window.bytes) as f64;
        let speed = bytes / last.at.saturating_duration_since(window.at).as_secs_f64();
        let read = speed * last.at.saturating_duration_since(*since).as_secs_f64();
        let seconds = (last.bytes as f64 - read) / speed;
        if seconds.is_finite() && seconds > 0.0 {
            Duration::from_secs_f64(seconds.min(MAX_DURATION))
        } else {
            Duration::ZERO
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Backlog, HEAVY};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_slow_peers_backlog_takes_as_long_as_what_it_has_read() {
        let start = Instant::now();
        let mut backlog = Backlog::default();
        backlog.count(4_000_000);
        backlog.slow(0, start);
        assert_eq!(backlog.duration(), Duration::ZERO);
        backlog.count(1_000_000);
        backlog.slow(1_000_000, start + 10 * SECOND);
        assert_eq!(backlog.duration(), 40 * SECOND);
        backlog.received();
        assert_eq!(backlog.duration(), 40 * SECOND);
        backlog.answered();
        assert_eq!(backlog.duration(), Duration::ZERO);
    }

    #[test]
    fn what_a_proxy_takes_at_first_is_not_taken_for_the_peers_speed() {
        let start = Instant::now();
        let mut backlog = Backlog::default();
        backlog.count(1_000_000);
        backlog.slow(0, start);
        backlog.slow(4_000_000, start + SECOND);
        for second in 2..50 {
            backlog.slow(100_000, start + second * SECOND);
        }
        // 9.8 MB were taken, of which 4.9 MB are read.
        assert_eq!(backlog.duration().as_secs(), 49);
    }

    #[test]
    fn much_at_once_is_heavy_for_a_while() {
        let start = Instant::now();
        let mut backlog = Backlog::default();
        assert!(!backlog.count(HEAVY - 1) && backlog.count(1));
        assert!(!backlog.is_heavy(start, SECOND));
        backlog.heavy(start);
        assert!(backlog.is_heavy(start, SECOND) && !backlog.is_heavy(start + SECOND, SECOND));
        assert!(!backlog.count(1));
    }
}
