use tokio::time::{self, Instant};

use super::{Cork, MAX_HELD};

#[tokio::test(start_paused = true)]
async fn messages_are_held_until_the_time_is_over_or_all_are_written() {
    let mut cork = Cork::new();
    assert!(cork.hold());
    time::advance(MAX_HELD).await;
    assert!(!cork.hold());
    assert!(!cork.hold(), "it stays so until the messages are written");
    cork.release();
    assert!(cork.hold());
}

#[tokio::test(start_paused = true)]
async fn time_counts_from_the_read_before_the_first_message() {
    let mut cork = Cork::new();
    cork.note_read(Instant::now());
    time::advance(MAX_HELD).await;
    assert!(cork.hold(), "the first message may always wait");
    cork.note_read(Instant::now());
    assert!(!cork.hold(), "later reads do not extend the time");
}

#[tokio::test(start_paused = true)]
async fn only_the_first_pause_after_a_message_holds() {
    let mut cork = Cork::new();
    assert!(cork.hold() && cork.hold_in_pause());
    assert!(!cork.hold_in_pause());
    assert!(cork.hold(), "the time is not over");
    cork.release();
    assert!(cork.hold_in_pause());
}
