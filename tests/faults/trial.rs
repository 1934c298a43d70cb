//! Tries one fault many times, and checks the counters each time.

use std::{
    collections::BTreeMap,
    future::Future,
    io::Write,
    panic,
    sync::{
        Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use own_process::resident;
use tokio::{
    runtime::{Builder, Handle, Runtime},
    time::{sleep, timeout},
};

use crate::{form::by_form, site::Site};

/// The payload of intended panics.
pub(crate) const ON_PURPOSE: &str = "on purpose";

/// How long an expected event may take. All deadlines of a site are longer, so if an event takes
/// this long, it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The number of tries in the long form before memory is measured.
const WARM_UP: usize = 20;

/// How many KiB the memory may grow after the warm-up. A leaked connection costs several KiB for
/// each try; noise was never more than 50.
const GROWTH: usize = 256;

/// The number of unintended panics.
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// A lock for the measurements of this process: only one fault is tried at a time.
pub(crate) struct Alone {
    _lock: MutexGuard<'static, ()>,
    descriptors: usize,
}

impl Alone {
    pub(crate) fn new() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        static ONCE: Once = Once::new();
        let lock = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        ONCE.call_once(|| {
            // tokio keeps some descriptors for later runtimes.
            drop(runtime());
            let told = panic::take_hook();
            panic::set_hook(Box::new(move |info| {
                let payload = info.payload();
                let text = payload.downcast_ref::<&str>().copied();
                if text.or(payload.downcast_ref::<String>().map(|text| &**text)) != Some(ON_PURPOSE) {
                    PANICS.fetch_add(1, Ordering::Relaxed);
                    told(info);
                }
            }));
        });
        PANICS.store(0, Ordering::Relaxed);
        Self { _lock: lock, descriptors: descriptors() }
    }

    /// Checks that no descriptor is left and that only intended panics happened.
    pub(crate) fn finish(self) {
        assert_eq!(descriptors(), self.descriptors, "descriptors are left");
        assert_eq!(PANICS.load(Ordering::Relaxed), 0, "there was an unintended panic");
    }
}

/// The number of tries for each outcome.
#[derive(Default)]
pub(crate) struct Outcomes(BTreeMap<String, usize>);

impl Outcomes {
    pub(crate) fn add(&mut self, outcome: impl Into<String>) {
        *self.0.entry(outcome.into()).or_default() += 1;
    }

    /// Prints a row of the table. The test harness captures `eprintln!`.
    pub(crate) fn tell(&self, fault: &str) {
        let tries: usize = self.0.values().sum();
        let outcomes: Vec<_> = match &self.0.iter().collect::<Vec<_>>()[..] {
            [(outcome, _)] => vec![outcome.to_string()],
            several => several.iter().map(|(outcome, count)| format!("{count} x {outcome}")).collect(),
        };
        let row = format!("| {fault} | {tries} | {} |\n", outcomes.join("; "));
        let _ = std::io::stderr().write_all(row.as_bytes());
    }
}

/// Returns a runtime with two threads, so that races can happen.
pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Tries `fault` on one server, again and again. After each try, every counter, all tasks and all
/// descriptors must be as before, and after all tries the server must still serve. The short form
/// makes a tenth of the tries, and does not measure memory.
pub(crate) fn repeat(fault: &str, tries: usize, one: impl AsyncFn(&mut Site) -> String) {
    let alone = Alone::new();
    let runtime = runtime();
    let (warm_up, tries) = by_form((1, tries.div_ceil(10)), (WARM_UP, tries));
    let outcomes = runtime.block_on(async {
        let mut site = Site::start().await;
        let mut outcomes = Outcomes::default();
        let mut before = 0;
        for n in 0..warm_up + tries {
            if n == warm_up {
                before = resident();
            }
            let outcome = timeout(PATIENCE, one(&mut site)).await;
            let outcome = outcome.unwrap_or_else(|_| panic!("{fault}: try {n} hangs"));
            site.settled(&format!("{fault}, try {n}")).await;
            if n >= warm_up {
                outcomes.add(outcome);
            }
        }
        let grown = resident().saturating_sub(before) >> 10;
        let is_measured = by_form(false, true);
        assert!(!is_measured || grown <= GROWTH, "{fault}: {grown} KiB of memory more after {tries} tries");
        site.is_well().await;
        outcomes
    });
    drop(runtime);
    alone.finish();
    outcomes.tell(fault);
}

/// The counters of an idle server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Census {
    pub(crate) sockets: usize,
    pub(crate) tasks: usize,
    pub(crate) descriptors: usize,
}

impl Census {
    pub(crate) fn take(sockets: usize) -> Self {
        let tasks = Handle::current().metrics().num_alive_tasks();
        Self { sockets, tasks, descriptors: descriptors() }
    }
}

/// Waits until only the server's task is left, and no socket. Returns the counters.
pub(crate) async fn nothing_else(census: impl Fn() -> Census, when: &str) -> Census {
    let start = Instant::now();
    loop {
        let now = census();
        if (now.sockets, now.tasks) == (0, 1) {
            return now;
        }
        assert!(start.elapsed() < PATIENCE, "{when}: {now:?}");
        sleep(Duration::from_millis(1)).await;
    }
}

/// Waits until the counters are `base` again. A finished task is counted until its worker has
/// processed it.
pub(crate) async fn is_again(base: Census, census: impl Fn() -> Census, when: &str) {
    let start = Instant::now();
    while census() != base {
        assert!(start.elapsed() < PATIENCE, "{when}: {:?} instead of {base:?}", census());
        sleep(Duration::from_millis(1)).await;
    }
}

/// Awaits `future`, which must not hang.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("it hangs")
}

/// Returns the number of open descriptors of this process.
pub(crate) fn descriptors() -> usize {
    // Each count includes the descriptor of this directory.
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}
