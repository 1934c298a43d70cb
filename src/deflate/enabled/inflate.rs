//! Inflating the messages of one connection.

use flate2::{Decompress, FlushDecompress, Status};

use super::{bad_data::BadData, pool};

/// Inflates the messages of one connection, one after the other.
///
/// There is an inflater only while there is a message, or, with context takeover, from the first message on.
#[derive(Debug)]
pub(super) struct Inflater {
    takeover: bool,
    inner: Option<Decompress>,
}

/// What one step of inflating did.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inflated {
    pub(super) consumed: usize,
    pub(super) produced: usize,
    /// A block that says it is the last of its stream was: what follows is the beginning of another stream.
    pub(super) has_ended: bool,
}

impl Inflater {
    pub(super) fn new(takeover: bool) -> Self {
        Self { takeover, inner: None }
    }

    /// Inflates from `input` into `output` until one of them is used up.
    pub(super) fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Result<Inflated, BadData> {
        let inner = self.inner.get_or_insert_with(pool::take_inflater);
        let (consumed, produced) = (inner.total_in(), inner.total_out());
        let status = inner.decompress(input, output, FlushDecompress::None).map_err(|_| BadData)?;
        let inflated = Inflated {
            consumed: (inner.total_in() - consumed) as usize,
            produced: (inner.total_out() - produced) as usize,
            has_ended: status == Status::StreamEnd,
        };
        if inflated.has_ended {
            inner.reset(false);
        }
        Ok(inflated)
    }

    /// The message is over.
    pub(super) fn end_message(&mut self) {
        if let Some(inner) = self.inner.take_if(|_| !self.takeover) {
            pool::give_inflater(inner);
        }
    }
}
