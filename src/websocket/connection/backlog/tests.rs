use std::time::Duration;

use tokio::time::Instant;

use super::{Backlog, HEAVY};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn backlog_of_a_slow_peer_lasts_as_long_as_the_data_it_has_read() {
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
    // The IO accepts these at once.
    backlog.count(500_000);
    assert_eq!(backlog.duration(), 45 * SECOND);
    backlog.answered();
    assert_eq!(backlog.duration(), Duration::ZERO);
}

#[test]
fn data_that_a_proxy_buffers_does_not_count_as_the_peers_speed() {
    let start = Instant::now();
    let mut backlog = Backlog::default();
    backlog.count(1_000_000);
    backlog.slow(0, start);
    backlog.slow(4_000_000, start + SECOND);
    for second in 2..50 {
        backlog.slow(100_000, start + second * SECOND);
    }
    // 9.8 MB were accepted, and 4.9 MB of them were read.
    assert_eq!(backlog.duration().as_secs(), 49);
}

#[test]
fn heavy_output_is_remembered_for_a_while() {
    let start = Instant::now();
    let mut backlog = Backlog::default();
    assert!(!backlog.count(HEAVY as usize - 1) && backlog.count(1));
    assert!(!backlog.is_heavy(start, SECOND));
    backlog.heavy(start);
    assert!(backlog.is_heavy(start, SECOND) && !backlog.is_heavy(start + SECOND, SECOND));
    assert!(!backlog.count(1));
}
