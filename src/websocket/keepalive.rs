//! When to ping, and when to give up. Time comes in as an argument.

use std::time::Duration;

use tokio::time::Instant;

/// When to ping a silent peer, and when to give it up.
#[derive(Debug)]
pub(super) struct Keepalive {
    interval: Option<Duration>,
    timeout: Option<Duration>,
    since: Since,
}

/// What the peer's silence is counted from.
#[derive(Debug)]
enum Since {
    Heard(Instant),
    Pinged(Instant),
}

/// What is due when silence has lasted too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// A ping.
    Ping,
    /// The end: the peer did not answer the ping.
    Timeout,
}

impl Keepalive {
    /// Pings after `interval` of silence, gives up after `timeout` more; `None` never does.
    pub(super) fn new(interval: Option<Duration>, timeout: Option<Duration>, now: Instant) -> Self {
        Self { interval, timeout, since: Since::Heard(now) }
    }

    /// The peer has sent something, anything.
    pub(super) fn heard(&mut self, now: Instant) {
        self.since = Since::Heard(now);
    }

    /// A ping has been sent.
    pub(super) fn pinged(&mut self, now: Instant) {
        self.since = Since::Pinged(now);
    }

    /// What is due next if the peer stays silent, and when.
    pub(super) fn next(&self) -> Option<(Instant, Due)> {
        match self.since {
            Since::Heard(heard) => Some((heard.checked_add(self.interval?)?, Due::Ping)),
            Since::Pinged(pinged) => Some((pinged.checked_add(self.timeout?)?, Due::Timeout)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Due, Keepalive};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn silence_leads_to_a_ping_and_more_silence_to_the_end() {
        let start = Instant::now();
        let mut keepalive = Keepalive::new(Some(20 * SECOND), Some(10 * SECOND), start);
        assert_eq!(keepalive.next(), Some((start + 20 * SECOND, Due::Ping)));
        keepalive.pinged(start + 21 * SECOND);
        assert_eq!(keepalive.next(), Some((start + 31 * SECOND, Due::Timeout)));
    }

    #[test]
    fn any_sound_starts_over() {
        let start = Instant::now();
        let mut keepalive = Keepalive::new(Some(20 * SECOND), Some(10 * SECOND), start);
        keepalive.heard(start + 15 * SECOND);
        assert_eq!(keepalive.next(), Some((start + 35 * SECOND, Due::Ping)));
        keepalive.pinged(start + 35 * SECOND);
        keepalive.heard(start + 44 * SECOND);
        assert_eq!(keepalive.next(), Some((start + 64 * SECOND, Due::Ping)));
    }

    #[test]
    fn either_half_can_be_off() {
        let start = Instant::now();
        assert_eq!(Keepalive::new(None, Some(SECOND), start).next(), None);
        let mut pings = Keepalive::new(Some(SECOND), None, start);
        assert_eq!(pings.next(), Some((start + SECOND, Due::Ping)));
        pings.pinged(start + SECOND);
        assert_eq!(pings.next(), None);
    }
}
