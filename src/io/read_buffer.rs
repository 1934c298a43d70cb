//! One large read buffer for each thread.

use std::cell::Cell;

/// How much one read may bring, in bytes. A socket's receive buffer holds about this much of a fast
/// sender's data.
const SIZE: usize = 64 * 1024;

thread_local! {
    static BUFFER: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// Takes this thread's read buffer, whose content is arbitrary, or a new one while that is away.
///
/// A connection that waits holds no read buffer, and yet each read is a large one.
pub(crate) fn take() -> Box<[u8]> {
    BUFFER.try_with(Cell::take).ok().flatten().unwrap_or_else(|| vec![0; SIZE].into_boxed_slice())
}

/// Gives a read buffer back, to whatever thread this is. Any other buffer is freed.
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
mod tests {
    use super::{SIZE, give, take, with};

    #[test]
    fn a_read_within_a_read_has_a_buffer_of_its_own() {
        with(|outer| {
            outer[0] = 1;
            with(|inner| inner[0] = 2);
            assert_eq!((outer[0], outer.len()), (1, SIZE));
        });
    }

    #[test]
    fn only_a_read_buffer_becomes_a_read_buffer() {
        give(vec![0; 7].into());
        assert_eq!(take().len(), SIZE);
    }
}
