//! Compressors, inflaters and buffers that the connections of a thread share.

use std::{
    cell::{Cell, RefCell},
    thread::LocalKey,
};

use flate2::{Compress, Compression, Decompress};

/// How many idle compressors or inflaters a thread keeps. More than one inflater is away only while
/// messages of several connections are half here; there is a compressor for each combination of
/// level and window.
const MAX_IDLE: usize = 4;

/// The largest piece of a message that is inflated at a time, in bytes: 16 KiB, and one more, so
/// that a message of just 16 KiB is known to be whole.
pub(super) const CHUNK: usize = 16 * 1024 + 1;

/// How many compressed bytes are unmasked at a time, and how many follow them at the end of a
/// message.
pub(super) const PIECE: usize = 4096;
pub(super) const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

thread_local! {
    static COMPRESSORS: RefCell<Vec<(Key, Compress)>> = const { RefCell::new(Vec::new()) };
    static INFLATERS: RefCell<Vec<Decompress>> = const { RefCell::new(Vec::new()) };
    static BUFFER: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// What makes one compressor different from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) level: u8,
    pub(super) window_bits: u8,
}

impl Key {
    /// A compressor of one's own.
    pub(super) fn compressor(self) -> Compress {
        Compress::new_with_window_bits(Compression::new(self.level.into()), false, self.window_bits)
    }
}

/// Calls `f` with a compressor that knows of no messages.
pub(super) fn with_compressor<R>(key: Key, f: impl FnOnce(&mut Compress) -> R) -> R {
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
            // The one that has not been used for longest.
            idle.remove(0);
        }
        idle.push((key, compressor));
    });
    result
}

/// Takes an inflater of the largest window, which inflates what was compressed with any, and knows
/// of no messages.
pub(super) fn take_inflater() -> Decompress {
    let idle = with(&INFLATERS, Vec::pop).flatten();
    idle.unwrap_or_else(|| Decompress::new(false))
}

/// Gives an inflater back, to whatever thread this is.
pub(super) fn give_inflater(mut inflater: Decompress) {
    with(&INFLATERS, |idle| {
        if idle.len() < MAX_IDLE {
            inflater.reset(false);
            idle.push(inflater);
        }
    });
}

/// Takes a buffer for a piece of a message: [`CHUNK`] bytes, and behind them room for [`PIECE`] and
/// [`TAIL`].
pub(super) fn take_buffer() -> Box<[u8]> {
    BUFFER
        .try_with(Cell::take)
        .ok()
        .flatten()
        .unwrap_or_else(|| vec![0; CHUNK + PIECE + TAIL.len()].into_boxed_slice())
}

/// Gives a buffer back, to whatever thread this is.
pub(super) fn give_buffer(buffer: Box<[u8]>) {
    // A thread that ends keeps nothing.
    let _ = BUFFER.try_with(|kept| kept.set(Some(buffer)));
}

/// Calls `f` with what this thread keeps, unless it ends and keeps nothing any more: a connection
/// may be dropped by a thread-local's destructor.
fn with<T, R>(kept: &'static LocalKey<RefCell<T>>, f: impl FnOnce(&mut T) -> R) -> Option<R> {
    kept.try_with(|kept| f(&mut kept.borrow_mut())).ok()
}
