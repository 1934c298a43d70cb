//! One large read buffer for each thread.

use std::cell::Cell;

/// The size of a read buffer, in bytes. A message of 64 KiB fits with its header.
const SIZE: usize = 65 * 1024;

thread_local! {
    static BUFFER: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// Takes this thread's read buffer, or creates another one if it is in use. Its content is
/// arbitrary.
///
/// A connection that waits for data holds no read buffer, but each read can return much data.
pub(crate) fn take() -> Box<[u8]> {
    BUFFER.try_with(Cell::take).ok().flatten().unwrap_or_else(|| vec![0; SIZE].into_boxed_slice())
}

/// Returns a read buffer to this thread. A buffer of another size is freed.
pub(crate) fn give(buffer: Box<[u8]>) {
    if buffer.len() == SIZE {
        let _ = BUFFER.try_with(|kept| kept.set(Some(buffer)));
    }
}

/// Calls `f` with this thread's read buffer.
pub(crate) fn with<R>(f: impl FnOnce(&mut [u8]) -> R) -> R {
    let mut buffer = take();
    let result = f(&mut buffer);
    give(buffer);
    result
}

#[cfg(test)]
mod tests;
