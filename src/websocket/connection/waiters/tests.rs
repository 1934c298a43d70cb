use std::{
    sync::{Arc, Mutex},
    task::{Wake, Waker},
};

use super::{Deferred, Event, WaiterKey, WaiterKind, Waiters};

/// A task that records when it is woken.
struct Task(&'static str, Arc<Mutex<Vec<&'static str>>>);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.1.lock().unwrap().push(self.0);
    }
}

#[derive(Default)]
struct Bench {
    waiters: Waiters,
    woken: Arc<Mutex<Vec<&'static str>>>,
}

impl Bench {
    fn waker(&self, name: &'static str) -> Waker {
        Waker::from(Arc::new(Task(name, Arc::clone(&self.woken))))
    }

    fn wait(&mut self, name: &'static str, kind: WaiterKind, event: Event) -> WaiterKey {
        let key = self.waiters.new_key(kind, event);
        let waker = self.waker(name);
        self.waiters.wait(key, waker, &mut Deferred::default());
        key
    }

    /// Calls `f` and returns the tasks that it woke, in order.
    fn woken(&mut self, f: impl FnOnce(&mut Waiters, &mut Deferred)) -> Vec<&'static str> {
        let mut deferred = Deferred::default();
        f(&mut self.waiters, &mut deferred);
        assert!(self.woken.lock().unwrap().is_empty(), "no task is woken under the lock");
        drop(deferred);
        std::mem::take(&mut *self.woken.lock().unwrap())
    }
}

#[test]
fn waiters_of_one_event_are_woken_in_order() {
    let mut bench = Bench::default();
    for name in ["a", "b", "c"] {
        bench.wait(name, WaiterKind::Future, Event::Space);
    }
    bench.wait("other", WaiterKind::Future, Event::Compressor);
    for name in ["a", "b", "c"] {
        assert_eq!(bench.woken(|waiters, deferred| waiters.wake_first(Event::Space, deferred)), [name]);
    }
    assert!(bench.woken(|waiters, deferred| waiters.wake_first(Event::Space, deferred)).is_empty());
}

#[test]
fn sink_is_woken_in_addition_to_a_future() {
    let mut bench = Bench::default();
    bench.wait("sink", WaiterKind::Sink, Event::Space);
    bench.wait("a", WaiterKind::Future, Event::Space);
    bench.wait("b", WaiterKind::Future, Event::Space);
    let woken = bench.woken(|waiters, deferred| waiters.wake_first(Event::Space, deferred));
    assert_eq!(woken, ["a", "sink"]);
    bench.wait("sink", WaiterKind::Sink, Event::Written(7));
    assert_eq!(bench.woken(Waiters::wake_any), ["b", "sink"]);
}

#[test]
fn key_keeps_its_event_and_the_order_of_events() {
    let events = [
        Event::Drive,
        Event::Link,
        Event::Space,
        Event::Compressor,
        Event::Written(0),
        Event::Written(7),
        Event::Written(u64::MAX),
        Event::Closed,
        Event::Over,
    ];
    let keys = events.map(|event| WaiterKey::new(WaiterKind::Future, event, 1));
    assert_eq!(keys.map(WaiterKey::event), events);
    assert!(events.is_sorted() && keys.is_sorted());
    assert!(keys.iter().all(|key| *key < WaiterKey::new(WaiterKind::Sink, Event::Drive, 0)));
}

#[test]
fn waiters_are_woken_up_to_the_written_position() {
    let mut bench = Bench::default();
    bench.wait("close", WaiterKind::Future, Event::Written(u64::MAX));
    bench.wait("3", WaiterKind::Sink, Event::Written(3));
    bench.wait("2", WaiterKind::Future, Event::Written(2));
    bench.wait("5", WaiterKind::Future, Event::Written(5));
    bench.wait("room", WaiterKind::Future, Event::Space);
    let woken =
        bench.woken(|waiters, deferred| waiters.wake_all(Event::Written(0), Event::Written(3), deferred));
    assert_eq!(woken, ["2", "3"]);
    let woken = bench.woken(|waiters, deferred| waiters.wake_all(Event::Drive, Event::Over, deferred));
    assert_eq!(woken, ["room", "5", "close"]);
}

#[test]
fn waiter_that_is_removed_frees_its_memory() {
    let mut bench = Bench::default();
    let a = bench.wait("a", WaiterKind::Future, Event::Space);
    let b = bench.wait("b", WaiterKind::Future, Event::Space);
    let waker = bench.waker("a");
    assert!(!bench.waiters.is_waiting(a, &waker), "it is another task");
    bench.woken(|waiters, deferred| waiters.wake_first(Event::Space, deferred));
    let mut deferred = Deferred::default();
    assert!(!bench.waiters.remove(a, &mut deferred), "it had been woken");
    assert!(bench.waiters.remove(b, &mut deferred), "it had not");
    drop(deferred);
    drop(waker);
    assert!(bench.waiters.others.is_none());
    assert_eq!(Arc::strong_count(&bench.woken), 1, "no waker is kept");
}

#[test]
fn reader_is_due_from_its_wake_up_until_it_is_polled() {
    let mut bench = Bench::default();
    assert!(bench.woken(Waiters::wake_reader).is_empty());
    assert!(!bench.waiters.take_reader_due(), "there is none");
    for looks_again in [false, true] {
        let waker = bench.waker("reader");
        bench.waiters.set_reader(waker.clone(), &mut Deferred::default());
        assert!(bench.waiters.is_reader_waiting());
        // Under Miri, a waker and its clone may have different vtables.
        assert!(cfg!(miri) || bench.waiters.is_reader(&waker));
        assert_eq!(bench.woken(Waiters::wake_reader), ["reader"]);
        assert!(!bench.waiters.is_reader_waiting());
        if looks_again {
            bench.waiters.remove_reader(&mut Deferred::default());
        }
        assert_eq!(bench.waiters.take_reader_due(), !looks_again);
        assert!(!bench.waiters.take_reader_due());
    }
}

#[test]
fn each_of_several_drivers_is_woken() {
    let mut bench = Bench::default();
    for (name, is_only) in [("a", true), ("b", true), ("c", false), ("b", false)] {
        let waker = bench.waker(name);
        bench.waiters.set_driver(waker, is_only, &mut Deferred::default());
    }
    let mut woken = bench.woken(Waiters::wake_driver);
    woken.sort_unstable();
    assert_eq!(woken, ["b", "b", "c"], "the second `b` has a waker of its own");
    assert!(bench.woken(Waiters::wake_driver).is_empty());
}

#[test]
fn reader_on_the_drivers_task_is_woken_after_the_turn() {
    let mut bench = Bench::default();
    let waker = bench.waker("driver");
    bench.waiters.set_driver(waker, true, &mut Deferred::default());
    bench.waiters.set_in_turn(true);
    bench.waiters.read_as_driver(&mut Deferred::default());
    assert!(bench.woken(Waiters::wake_reader).is_empty(), "the task is being polled");
    assert!(bench.waiters.take_reader_due());
    bench.waiters.set_in_turn(false);
    assert!(bench.waiters.take_wake_due() && !bench.waiters.take_wake_due(), "once");
    bench.waiters.read_as_driver(&mut Deferred::default());
    assert_eq!(bench.woken(Waiters::wake_reader), ["driver"]);
    assert!(!bench.waiters.take_wake_due(), "it was woken outside of a turn");
}
