//! How long a test waits.

use std::{future::Future, panic::Location, time::Duration};

use tokio::time::timeout;

/// The output of `future`. When it takes a day, panics with `message`, and with the place of the
/// test that called.
///
/// A day is nothing in paused time, and longer than any timeout that a test has to see.
pub(super) async fn within_a_day<F: Future>(future: F, caller: &Location<'_>, message: &str) -> F::Output {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    timeout(DAY, future).await.unwrap_or_else(|_| panic!("{caller}: {message} within a day"))
}
