//! One write buffer for each thread.

use std::{cell::Cell, mem};

/// A buffer that is larger than this, in bytes, is freed.
const MAX_KEPT: usize = 128 * 1024;

/// A buffer of no more than this, in bytes, is not worth giving back.
const SMALL: usize = 256;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Takes this thread's write buffer, which is empty, or a new one while that is away.
///
/// A connection that has nothing to write holds no write buffer, or a small one.
pub(super) fn take() -> Vec<u8> {
    BUFFER.take()
}

/// Empties a write buffer, and gives it back to whatever thread this is, unless it is a small one.
pub(super) fn give(buffer: &mut Vec<u8>) {
    buffer.clear();
    if buffer.capacity() <= SMALL {
        return;
    }
    let buffer = mem::take(buffer);
    let kept = BUFFER.take();
    let is_better = kept.capacity() < buffer.capacity() && buffer.capacity() <= MAX_KEPT;
    BUFFER.set(if is_better { buffer } else { kept });
}

#[cfg(test)]
mod tests {
    use super::{MAX_KEPT, give, take};

    #[test]
    fn the_largest_is_kept_unless_it_is_too_large() {
        for len in [1000, 500, MAX_KEPT + 1] {
            let mut buffer = vec![1; len];
            give(&mut buffer);
            assert_eq!(buffer.capacity(), 0);
        }
        let buffer = take();
        assert_eq!((buffer.len(), buffer.capacity()), (0, 1000));
        assert!(take().capacity() < 1000);
    }

    #[test]
    fn a_small_one_stays_where_it_is() {
        let mut buffer = take();
        buffer.push(1);
        give(&mut buffer);
        assert!(buffer.is_empty() && buffer.capacity() > 0);
    }
}
