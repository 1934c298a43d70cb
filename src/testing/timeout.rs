//! The time limit of a test.

use std::{future::Future, panic::Location, time::Duration};

use tokio::time::timeout;

/// Returns the output of `future`. If it takes a day, panics with `message` and with the calling
/// line of the test.
///
/// In paused time, a day elapses immediately. It is longer than any timeout that a test has to
/// observe.
pub(super) async fn within_a_day<F: Future>(future: F, caller: &Location<'_>, message: &str) -> F::Output {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    timeout(DAY, future).await.unwrap_or_else(|_| panic!("{caller}: {message} within a day"))
}
