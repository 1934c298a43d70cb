//! One fault, tried again and again, and what has to be as before each time.

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

use tokio::{
    runtime::{Builder, Handle, Runtime},
    time::{sleep, timeout},
};

use crate::site::Site;

/// What panics on purpose panics with.
pub(crate) const ON_PURPOSE: &str = "on purpose";

/// How long whatever has to happen may take. Nothing on a site has a deadline that is as short, so
/// what takes this long hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How many tries there are before memory is looked at.
const WARM_UP: usize = 20;

/// How many KiB of memory more than after the warm-up there may be at the end. One connection costs
/// several, and what chance adds was never more than 50.
const GROWTH: usize = 256;

/// How many panics there were, but for those on purpose.
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// The process's own: what is measured is the process, so one fault is tried at a time.
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
            // tokio keeps some descriptors for whoever comes next.
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

    /// Nothing is left: no descriptor, and nothing panicked but on purpose.
    pub(crate) fn finish(self) {
        assert_eq!(descriptors(), self.descriptors, "descriptors are left");
        assert_eq!(PANICS.load(Ordering::Relaxed), 0, "something panicked that was not to");
    }
}

/// What came of the tries.
#[derive(Default)]
pub(crate) struct Outcomes(BTreeMap<String, usize>);

impl Outcomes {
    pub(crate) fn add(&mut self, outcome: impl Into<String>) {
        *self.0.entry(outcome.into()).or_default() += 1;
    }

    /// Prints a row of the table. The test harness does not keep it to itself.
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

/// Two threads, as races need.
pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Tries `fault` on one server, again and again. After each try every counter, all tasks and all
/// descriptors are as before, and after all of them the memory is, and the server still serves.
pub(crate) fn repeat(fault: &str, tries: usize, one: impl AsyncFn(&mut Site) -> String) {
    let alone = Alone::new();
    let runtime = runtime();
    let outcomes = runtime.block_on(async {
        let mut site = Site::start().await;
        let mut outcomes = Outcomes::default();
        let mut before = 0;
        for n in 0..WARM_UP + tries {
            if n == WARM_UP {
                before = resident();
            }
            let outcome = timeout(PATIENCE, one(&mut site)).await;
            let outcome = outcome.unwrap_or_else(|_| panic!("{fault}: try {n} hangs"));
            site.settled(&format!("{fault}, try {n}")).await;
            if n >= WARM_UP {
                outcomes.add(outcome);
            }
        }
        let grown = resident().saturating_sub(before);
        assert!(grown <= GROWTH, "{fault}: {grown} KiB of memory more after {tries} tries");
        site.is_well().await;
        outcomes
    });
    drop(runtime);
    alone.finish();
    outcomes.tell(fault);
}

/// Tasks, descriptors, and whatever else is counted while nothing goes on.
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

/// Waits until there is no task but the server's, and no socket. Returns what there is then.
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

/// Waits until `census` is what it was. A task that has ended is counted until its worker has come
/// round to it.
pub(crate) async fn is_again(base: Census, census: impl Fn() -> Census, when: &str) {
    let start = Instant::now();
    while census() != base {
        assert!(start.elapsed() < PATIENCE, "{when}: {:?} is left, where {base:?} was", census());
        sleep(Duration::from_millis(1)).await;
    }
}

/// The output of `future`, which must not hang.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future).await.expect("it hangs")
}

/// How many descriptors this process has open.
pub(crate) fn descriptors() -> usize {
    // The one of this look itself is counted each time.
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// This process's resident memory, in KiB.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4
}
