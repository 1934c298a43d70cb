use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Wake, Waker},
};

use super::{CHUNK, Wakers};

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn freed_slots_are_used_again() {
    let mut wakers = Wakers::default();
    let slots: Vec<_> = (0..5).map(|_| wakers.add(Waker::noop().clone())).collect();
    for slot in [slots[1], slots[3], slots[4]] {
        drop(wakers.remove(slot));
    }
    assert_eq!([(); 3].map(|()| wakers.add(Waker::noop().clone())), [slots[4], slots[3], slots[1]]);
    assert_eq!((wakers.slots.len(), wakers.len), (5, 5));
    for slot in slots {
        drop(wakers.remove(slot));
    }
    assert_eq!((wakers.slots.capacity(), wakers.free), (0, None), "nothing is held for no socket");
}

#[test]
fn each_waker_in_a_slot_is_woken() {
    let counts: Vec<Arc<Count>> = (0..2 * CHUNK + 1).map(|_| Arc::default()).collect();
    let mut wakers = Wakers::default();
    let slots: Vec<_> = counts.iter().map(|count| wakers.add(Waker::from(Arc::clone(count)))).collect();
    drop(wakers.remove(slots[2]));
    for (start, expected) in
        [(0, Some(CHUNK - 1)), (CHUNK, Some(CHUNK)), (2 * CHUNK, Some(1)), (3 * CHUNK, None)]
    {
        let chunk = wakers.chunk(start);
        assert_eq!(chunk.as_ref().map(Vec::len), expected);
        chunk.into_iter().flatten().for_each(Waker::wake);
    }
    let woken = counts.iter().map(|count| count.0.load(Ordering::Relaxed));
    assert!(woken.enumerate().all(|(n, times)| times == usize::from(n != 2)));
}
