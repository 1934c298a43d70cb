//! One large read buffer for each thread.

use std::cell::Cell;

/// The size of a read buffer, in bytes. A message of 64 KiB fits with its header.
pub(crate) const SIZE: usize = 65 * 1024;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Takes this thread's read buffer, or creates another one if it is in use. It is empty and has a
/// capacity of [`SIZE`] bytes.
///
/// A connection that waits for data holds no read buffer, but each read can return much data.
pub(crate) fn take() -> Vec<u8> {
    let buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
    if buffer.capacity() == SIZE { buffer } else { Vec::with_capacity(SIZE) }
}

/// Returns a read buffer to this thread. A buffer of another size is freed.
pub(crate) fn give(mut buffer: Vec<u8>) {
    if buffer.capacity() == SIZE {
        buffer.clear();
        let _ = BUFFER.try_with(|kept| kept.set(buffer));
    }
}

#[cfg(test)]
mod tests;
