use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    runtime::{self, Handle, Runtime},
    task::yield_now,
};

use super::{Deliver, MAX_BATCH, deliver};

#[derive(Default)]
struct Fake {
    written: AtomicUsize,
    left: AtomicUsize,
    is_broken: bool,
}

impl Deliver for Fake {
    fn write(&self) {
        assert!(!self.is_broken, "the IO panics");
        self.written.fetch_add(1, Ordering::Relaxed);
    }

    fn defer_to_driver(&self) {
        self.left.fetch_add(1, Ordering::Relaxed);
    }
}

impl Fake {
    /// Returns how often it was written, and how often it was left to its driver.
    fn counts(&self) -> (usize, usize) {
        (self.written.load(Ordering::Relaxed), self.left.load(Ordering::Relaxed))
    }
}

fn current_thread() -> Runtime {
    runtime::Builder::new_current_thread().build().unwrap()
}

#[tokio::test]
async fn connections_are_written_in_small_batches_once_the_sender_yields() {
    let home = Handle::current();
    let fakes: Vec<_> = (0..3 * MAX_BATCH).map(|_| Arc::new(Fake::default())).collect();
    for fake in &fakes {
        deliver(Arc::clone(fake) as _, home.id());
    }
    assert_eq!(home.metrics().num_alive_tasks(), 3);
    assert!(fakes.iter().all(|fake| fake.counts() == (0, 0)));
    yield_now().await;
    assert!(fakes.iter().all(|fake| fake.counts() == (1, 0)));
    assert_eq!(home.metrics().num_alive_tasks(), 0);
}

#[test]
fn outside_of_the_home_runtime_the_driver_writes() {
    let (home, other) = (current_thread(), current_thread());
    let fake = Arc::new(Fake::default());
    deliver(Arc::clone(&fake) as _, home.handle().id());
    assert_eq!(fake.counts(), (0, 1));
    other.block_on(async { deliver(Arc::clone(&fake) as _, home.handle().id()) });
    assert_eq!(fake.counts(), (0, 2));
}

#[test]
fn batch_dropped_by_its_runtime_is_left_to_the_drivers() {
    let home = current_thread();
    let fake = Arc::new(Fake::default());
    home.block_on(async { deliver(Arc::clone(&fake) as _, Handle::current().id()) });
    drop(home);
    assert_eq!(fake.counts(), (0, 1));
    assert_eq!(Arc::strong_count(&fake), 1);
}

#[tokio::test]
async fn panic_in_a_write_does_not_affect_other_connections() {
    let fakes = [false, true, false].map(|is_broken| Arc::new(Fake { is_broken, ..Fake::default() }));
    for fake in &fakes {
        deliver(Arc::clone(fake) as _, Handle::current().id());
    }
    yield_now().await;
    assert_eq!(fakes.map(|fake| fake.counts()), [(1, 0), (0, 1), (0, 1)]);
}
