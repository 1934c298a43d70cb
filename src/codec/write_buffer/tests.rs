use super::{MAX_KEPT, give, take};

#[test]
fn largest_buffer_is_kept_unless_it_is_too_large() {
    for len in [1000, 500, MAX_KEPT + 1] {
        give(vec![1; len]);
    }
    let buffer = take();
    assert_eq!((buffer.len(), buffer.capacity()), (0, 1000));
    assert_eq!(take().capacity(), 0);
}

/// The destructor of a thread-local may run after the buffer's destructor.
#[test]
fn ending_thread_can_still_write() {
    struct Late;
    impl Drop for Late {
        fn drop(&mut self) {
            let mut buffer = take();
            buffer.push(1);
            give(buffer);
        }
    }
    thread_local!(static LATE: Late = const { Late });
    std::thread::spawn(|| {
        LATE.with(|_| ());
        give(take());
    })
    .join()
    .unwrap();
}
