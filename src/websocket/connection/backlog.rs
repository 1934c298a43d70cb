//! An estimate of the data that the system and proxies hold and that the peer has not read yet. It
//! cannot be observed directly.

use std::time::Duration;

use tokio::time::Instant;

/// Sending this number of bytes at once may keep a slow peer busy for longer than a closing
/// handshake.
const HEAVY: u32 = 64 * 1024;

/// An estimate of the data that the peer has not read yet.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// The number of bytes that the IO has accepted since the peer last answered a ping, up to the
    /// maximum.
    unanswered: u32,
    /// The number of bytes that the IO has accepted since [`HEAVY`] was last reached, and when it
    /// was.
    recent: u32,
    heavy: Option<Instant>,
    /// Speed measurement of the peer, from when the IO first accepted nothing.
    slow: Option<Box<Slow>>,
}

/// How long the peer's speed is measured. A proxy's buffers may grow for a while, which must not be
/// mistaken for the peer's speed.
const WINDOW: Duration = Duration::from_secs(10);

/// The maximum extra time in seconds for a slow peer, because it may be gone.
const MAX_DURATION: f64 = 300.0;

/// A peer that reads more slowly than data is sent to it.
#[derive(Debug)]
struct Slow {
    /// When the IO first accepted nothing.
    since: Instant,
    /// When the IO last accepted bytes, and their total number.
    last: Mark,
    /// The beginning of the previous window, and of the current one.
    windows: [Mark; 2],
}

/// The number of bytes that the IO had accepted at a time.
#[derive(Clone, Copy, Debug)]
struct Mark {
    at: Instant,
    bytes: usize,
}

impl Backlog {
    /// Counts bytes that the IO accepted. Returns `true` if [`heavy`](Self::heavy) has to be
    /// called.
    pub(super) fn count(&mut self, bytes: usize) -> bool {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.unanswered = self.unanswered.saturating_add(bytes);
        self.recent = self.recent.saturating_add(bytes);
        self.recent >= HEAVY
    }

    /// Notes that many bytes were accepted.
    pub(super) fn heavy(&mut self, now: Instant) {
        self.recent = 0;
        self.heavy = Some(now);
    }

    /// Notes that the IO accepted nothing for the first time, or that it accepts bytes again.
    pub(super) fn slow(&mut self, bytes: usize, now: Instant) {
        match &mut self.slow {
            Some(slow) => {
                slow.last = Mark { at: now, bytes: slow.last.bytes.saturating_add(bytes) };
                if now.saturating_duration_since(slow.windows[1].at) >= WINDOW {
                    slow.windows = [slow.windows[1], slow.last];
                }
            }
            None => {
                let mark = Mark { at: now, bytes: self.unanswered as usize };
                self.slow = Some(Box::new(Slow { since: now, last: mark, windows: [mark; 2] }));
            }
        }
    }

    /// Notes that the peer has read everything that was sent before its answer.
    pub(super) fn answered(&mut self) {
        self.unanswered = 0;
        self.slow = None;
    }

    /// Notes that the peer has sent data, which does not show what it has read.
    pub(super) fn received(&mut self) {
        if self.slow.is_none() {
            self.unanswered = 0;
        }
    }

    /// Returns `true` if many bytes were sent less than `time` before `at`.
    pub(super) fn is_heavy(&self, at: Instant, time: Duration) -> bool {
        self.heavy.is_some_and(|heavy| at.saturating_duration_since(heavy) < time)
    }

    /// Returns how much time after `from` the peer needs to read the outstanding data, at its
    /// previous speed.
    pub(super) fn time_left(&self, from: Instant) -> Duration {
        let read = self.slow.as_ref().and_then(|slow| slow.last.at.checked_add(self.duration()));
        read.map_or(Duration::ZERO, |read| read.saturating_duration_since(from))
    }

    /// Returns how long after the IO last accepted bytes the peer has read the outstanding data.
    pub(super) fn duration(&self) -> Duration {
        let Some(Slow { since, last, windows: [window, _] }) = self.slow.as_deref() else {
            return Duration::ZERO;
        };
        let bytes = last.bytes.saturating_sub(window.bytes) as f64;
        let speed = bytes / last.at.saturating_duration_since(window.at).as_secs_f64();
        let read = speed * last.at.saturating_duration_since(*since).as_secs_f64();
        // The IO may have accepted more since then, all at once.
        let total = last.bytes.max(self.unanswered as usize);
        let seconds = (total as f64 - read) / speed;
        if seconds.is_finite() && seconds > 0.0 {
            Duration::from_secs_f64(seconds.min(MAX_DURATION))
        } else {
            Duration::ZERO
        }
    }
}

#[cfg(test)]
mod tests;
