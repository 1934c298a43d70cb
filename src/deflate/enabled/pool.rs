//! Compressors, inflaters and buffers that the connections of a thread share.

use std::{
    cell::{Cell, RefCell},
    thread::LocalKey,
};

use flate2::{Compress, Compression, Decompress};

/// The maximum number of idle compressors or inflaters of a thread. More than one inflater is in
/// use only while messages of several connections are incomplete. There is one compressor for each
/// combination of level and window.
const MAX_IDLE: usize = 4;

/// The maximum number of bytes that are inflated at a time: 16 KiB and one more byte, so that a
/// message of exactly 16 KiB is known to be complete.
pub(super) const CHUNK: usize = 16 * 1024 + 1;

/// The number of compressed bytes that are unmasked at a time.
pub(super) const PIECE: usize = 4096;
/// The bytes that follow the compressed bytes at the end of a message (RFC 7692 §7.2.2).
pub(super) const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

thread_local! {
    static COMPRESSORS: RefCell<Vec<(PoolKey, Compress)>> = const { RefCell::new(Vec::new()) };
    static INFLATERS: RefCell<Vec<Decompress>> = const { RefCell::new(Vec::new()) };
    static BUFFER: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// The parameters of a compressor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PoolKey {
    pub(super) level: u8,
    pub(super) window_bits: u8,
}

impl PoolKey {
    /// Creates a compressor.
    pub(super) fn compressor(self) -> Compress {
        Compress::new_with_window_bits(Compression::new(self.level.into()), false, self.window_bits)
    }
}

/// Calls `f` with a compressor whose window is empty.
pub(super) fn with_compressor<R>(key: PoolKey, f: impl FnOnce(&mut Compress) -> R) -> R {
    let idle = with(&COMPRESSORS, |idle| {
        let at = idle.iter().position(|(its, _)| *its == key)?;
        Some(idle.swap_remove(at).1)
    })
    .flatten();
    let mut compressor = match idle {
        Some(mut compressor) => {
            compressor.reset();
            compressor
        }
        None => key.compressor(),
    };
    let result = f(&mut compressor);
    with(&COMPRESSORS, |idle| {
        if idle.len() == MAX_IDLE {
            // Removes the least recently used one.
            idle.remove(0);
        }
        idle.push((key, compressor));
    });
    result
}

/// Takes an inflater whose window is empty. It has the largest window, and so inflates data that
/// was compressed with any window.
pub(super) fn take_inflater() -> Decompress {
    let idle = with(&INFLATERS, Vec::pop).flatten();
    idle.unwrap_or_else(|| Decompress::new(false))
}

/// Gives an inflater back, to the current thread.
pub(super) fn give_inflater(mut inflater: Decompress) {
    with(&INFLATERS, |idle| {
        if idle.len() < MAX_IDLE {
            inflater.reset(false);
            idle.push(inflater);
        }
    });
}

/// Takes a buffer for a piece of a message: [`CHUNK`] bytes, followed by space for [`PIECE`] and
/// [`TAIL`].
pub(super) fn take_buffer() -> Box<[u8]> {
    BUFFER
        .try_with(Cell::take)
        .ok()
        .flatten()
        .unwrap_or_else(|| vec![0; CHUNK + PIECE + TAIL.len()].into_boxed_slice())
}

/// Gives a buffer back, to the current thread.
pub(super) fn give_buffer(buffer: Box<[u8]>) {
    // If the thread is ending, the buffer is dropped.
    let _ = BUFFER.try_with(|kept| kept.set(Some(buffer)));
}

/// Calls `f` with a value of the thread, unless the thread is ending and the value is already
/// dropped. This can happen because the destructor of a thread-local may drop a connection.
fn with<T, R>(kept: &'static LocalKey<RefCell<T>>, f: impl FnOnce(&mut T) -> R) -> Option<R> {
    kept.try_with(|kept| f(&mut kept.borrow_mut())).ok()
}
