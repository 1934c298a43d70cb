//! A write buffer for each thread.

use std::cell::Cell;

/// A buffer of more than this number of bytes is freed.
const MAX_KEPT: usize = 128 * 1024;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Takes this thread's write buffer, which is empty. Returns a new one while the buffer is in use
/// or the thread is ending.
///
/// A connection without data to write holds no write buffer.
pub(super) fn take() -> Vec<u8> {
    BUFFER.try_with(Cell::take).unwrap_or_default()
}

/// Gives a write buffer back to the current thread, which keeps the largest.
pub(super) fn give(mut buffer: Vec<u8>) {
    buffer.clear();
    // A thread that is ending keeps no buffer.
    let _ = BUFFER.try_with(|kept| {
        let other = kept.take();
        let is_better = other.capacity() < buffer.capacity() && buffer.capacity() <= MAX_KEPT;
        kept.set(if is_better { buffer } else { other });
    });
}

#[cfg(test)]
mod tests;
