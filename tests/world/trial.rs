//! Bounded waiting, and trials over every transport.

use std::{
    future::{Future, poll_fn},
    io::Write,
    pin::pin,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::{
    task::JoinError,
    time::{MissedTickBehavior, interval, timeout},
};

use crate::site::Way;

/// How long an immediate event may take on a busy machine. It is shorter than the keepalive
/// interval, so that a ping cannot hide a wake-up that is missing. The closing timeout is shorter
/// by default, so trials set another one.
pub(crate) const SOON: Duration = Duration::from_secs(12);

/// Awaits `future`, which must complete within [`SOON`].
pub(crate) async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    within(SOON, what, future).await
}

/// Awaits `future`, which must complete within `limit`.
pub(crate) async fn within<F: Future>(limit: Duration, what: &str, future: F) -> F::Output {
    match timeout(limit, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what}: not within {limit:?}"),
    }
}

/// Prints a line past the test harness, which captures `println!`.
pub(crate) fn tell(line: &str) {
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// Runs a trial over each transport at the same time. Fails with all failures.
pub(crate) async fn each<Fut>(what: &str, ways: &[Way], trial: impl Fn(Way) -> Fut)
where
    Fut: Future<Output = Result<String, String>> + Send + 'static,
{
    let trials: Vec<_> = ways.iter().map(|way| (*way, tokio::spawn(trial(*way)))).collect();
    let mut failed = Vec::new();
    for (way, trial) in trials {
        failed.extend(outcome(what, way, trial.await).err());
    }
    assert!(failed.is_empty(), "{what}:\n{}", failed.join("\n"));
}

/// Like [`each`], one transport after the other, for trials that need the CPU.
pub(crate) async fn each_in_turn<Fut>(what: &str, ways: &[Way], trial: impl Fn(Way) -> Fut)
where
    Fut: Future<Output = Result<String, String>> + Send + 'static,
{
    let mut failed = Vec::new();
    for way in ways {
        failed.extend(outcome(what, *way, tokio::spawn(trial(*way)).await).err());
    }
    assert!(failed.is_empty(), "{what}:\n{}", failed.join("\n"));
}

/// A quarter of the shortest timeout of the trials that [`each_timed`] runs.
const LONG_PAUSE: Duration = Duration::from_millis(60);

/// Like [`each`], for trials with short timeouts, in a runtime with one thread. If the system
/// suspends that thread, peers stall that should read. A trial that fails is therefore repeated if
/// its task was suspended for long.
pub(crate) async fn each_timed<Fut>(what: &str, ways: &[Way], trial: impl Fn(Way) -> Fut)
where
    Fut: Future<Output = Result<String, String>> + Send + 'static,
{
    let mut ways = ways.to_vec();
    for is_last in [false, false, false, false, true] {
        let start = |way| {
            let suspended = Arc::new(Mutex::new(Duration::ZERO));
            (way, tokio::spawn(watched(trial(way), Arc::clone(&suspended))), suspended)
        };
        let trials: Vec<_> = ways.drain(..).map(start).collect();
        let mut failed = Vec::new();
        for (way, trial, suspended) in trials {
            let Err(error) = outcome(what, way, trial.await) else { continue };
            let suspended = *suspended.lock().unwrap();
            if suspended > LONG_PAUSE && !is_last {
                tell(&format!("| {what} | {way} | is repeated | it was suspended for {suspended:.0?} |"));
                ways.push(way);
            } else {
                failed.push(format!("{error}; it was suspended for {suspended:.0?}"));
            }
        }
        assert!(failed.is_empty(), "{what}:\n{}", failed.join("\n"));
    }
}

/// Awaits `future`, polls it at least every 10 ms, and notes the longest time between two polls.
async fn watched<F: Future>(future: F, longest: Arc<Mutex<Duration>>) -> F::Output {
    let mut future = pin!(future);
    let mut tick = interval(Duration::from_millis(10));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = Instant::now();
    poll_fn(|cx| {
        let mut longest = longest.lock().unwrap();
        *longest = last.elapsed().max(*longest);
        last = Instant::now();
        drop(longest);
        while tick.poll_tick(cx).is_ready() {}
        future.as_mut().poll(cx)
    })
    .await
}

/// Prints the outcome of a trial, and returns its failure.
fn outcome(what: &str, way: Way, outcome: Result<Result<String, String>, JoinError>) -> Result<(), String> {
    let outcome = outcome.unwrap_or_else(|error| match error.try_into_panic() {
        Ok(panic) => Err(panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "it panicked".to_owned())),
        Err(error) => Err(error.to_string()),
    });
    let (word, line) = match &outcome {
        Ok(line) => ("ok", line),
        Err(line) => ("FAILED", line),
    };
    tell(&format!("| {what} | {way} | {word} | {line} |"));
    outcome.map(drop).map_err(|line| format!("{way}: {line}"))
}

/// Returns pseudo-random bytes, which do not compress.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut random = Random(seed);
    (0..len).map(|_| random.next() as u8).collect()
}

/// A small pseudo-random sequence.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }

    /// Returns a number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end
    }
}
