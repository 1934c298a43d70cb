//! One large read buffer for each thread.

use std::cell::Cell;

/// How much one read may bring. A socket's receive buffer holds about this much of a fast sender's data.
const SIZE: usize = 64 * 1024;

thread_local! {
    static BUFFER: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// Calls `f` with this thread's read buffer, whose content is arbitrary.
///
/// A connection that waits holds no read buffer, and yet each read is a large one. Within `f` the buffer is away,
/// so that an IO which itself reads through a [`Transport`](super::Transport) gets another one.
pub(super) fn with<R>(f: impl FnOnce(&mut [u8]) -> R) -> R {
    let mut buffer = BUFFER.take().unwrap_or_else(|| vec![0; SIZE].into_boxed_slice());
    let result = f(&mut buffer);
    BUFFER.set(Some(buffer));
    result
}

#[cfg(test)]
mod tests {
    use super::{SIZE, with};

    #[test]
    fn a_read_within_a_read_has_a_buffer_of_its_own() {
        with(|outer| {
            outer[0] = 1;
            with(|inner| inner[0] = 2);
            assert_eq!((outer[0], outer.len()), (1, SIZE));
        });
    }
}
