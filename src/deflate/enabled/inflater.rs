//! Inflating of the messages of one connection.

use flate2::{Decompress, FlushDecompress, Status};
use tungstenite::Error;

use super::{
    bad_data::BadData,
    history::History,
    pool::{self, CHUNK, TAIL},
};

/// The maximum number of streams that may end in one step. Starting a stream takes many
/// instructions, and a stream may have only two bytes.
const MAX_ENDS: usize = 64;

/// Inflates the messages of one connection, one after the other (RFC 7692 §7.2.2), if compression
/// was negotiated.
///
/// It uses the inflaters of the thread, unless the [`Context`] says otherwise.
#[derive(Debug)]
pub(crate) struct Inflater(Option<Box<ActiveInflater>>);

#[derive(Debug)]
struct ActiveInflater {
    context: Context,
    /// `Some` while a message is incomplete, and with [`Context::Own`] also afterwards.
    inner: Option<Decompress>,
    /// Set if the message has had any bytes.
    has_payload: bool,
    /// Set if the last byte was the last byte of a stream.
    has_ended: bool,
    /// How much of the tail behind the message has been inflated.
    tail: usize,
}

/// What a message may refer to.
#[derive(Debug)]
pub(super) enum Context {
    /// Nothing before it.
    None,
    /// These bytes of earlier messages, which are passed to an inflater of the thread at the
    /// beginning of each message.
    History(History),
    /// The window of the connection's own inflater. This takes less time than passing a history
    /// again for each message, but about 40 KB of memory.
    Own,
}

/// The result of one inflating step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inflated {
    /// The number of input bytes that were used.
    pub(crate) consumed: usize,
    /// Set if more output may be available without more input.
    pub(crate) is_full: bool,
    /// Set if the message is complete.
    pub(crate) is_done: bool,
}

/// The result of one call of zlib.
#[derive(Clone, Copy, Debug)]
struct Step {
    consumed: usize,
    produced: usize,
    has_ended: bool,
}

impl Inflater {
    /// Creates an inflater for a peer that compresses.
    pub(super) fn new(context: Context) -> Self {
        Self(Some(Box::new(ActiveInflater {
            context,
            inner: None,
            has_payload: false,
            has_ended: false,
            tail: 0,
        })))
    }

    /// Creates an inflater for a peer that does not compress.
    pub(super) fn off() -> Self {
        Self(None)
    }

    /// Returns `true` if compression was negotiated.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Begins a message.
    pub(crate) fn begin(&mut self) {
        if let Some(state) = &mut self.0 {
            state.has_payload = false;
            state.has_ended = false;
            state.tail = 0;
        }
    }

    /// Inflates some of `input`, up to 16 KiB, and passes the output, of at most the same size, to
    /// `take`, together with whether the message is complete. `is_last` means that the input ends
    /// with the message.
    ///
    /// The output exceeds `room` by at most one byte.
    pub(crate) fn inflate(
        &mut self,
        input: &[u8],
        is_last: bool,
        room: usize,
        take: impl FnOnce(&[u8], bool) -> Result<(), Error>,
    ) -> Result<Inflated, Error> {
        let Some(state) = &mut self.0 else { return Err(bad_data()) };
        let mut buffer = pool::take_buffer();
        let output = &mut buffer[..CHUNK.min(room.saturating_add(1))];
        let result = match state.inflate(input, is_last, output) {
            Ok((inflated, len)) => take(&output[..len], inflated.is_done).map(|()| inflated),
            Err(BadData) => Err(bad_data()),
        };
        pool::give_buffer(buffer);
        result
    }

    /// Returns the number of bytes that it holds between messages.
    #[cfg(test)]
    pub(crate) fn held(&self) -> usize {
        let state = self.0.as_ref().filter(|state| state.inner.is_none()).expect("no message is half here");
        if let Context::History(history) = &state.context { history.capacity() } else { 0 }
    }
}

impl ActiveInflater {
    fn inflate(
        &mut self,
        mut input: &[u8],
        is_last: bool,
        output: &mut [u8],
    ) -> Result<(Inflated, usize), BadData> {
        let (before, mut len, mut ends, mut start) = (input.len(), 0, 0, 0);
        self.has_payload |= before > 0;
        let is_done = loop {
            let is_tail = is_last && input.is_empty();
            // An empty payload is accepted as an empty message, although RFC 7692 requires a zero
            // byte. A stream that has ended needs no tail.
            if is_tail && (!self.has_payload || self.has_ended && self.tail == 0) {
                break true;
            }
            let next = if is_tail { &TAIL[self.tail..] } else { input };
            let step = self.step(next, &mut output[len..])?;
            len += step.produced;
            if step.has_ended {
                ends += 1;
                start = len;
            }
            if is_tail {
                self.tail += step.consumed;
            } else {
                input = &input[step.consumed..];
            }
            if len == output.len() || ends == MAX_ENDS {
                break false;
            }
            if input.is_empty() && (!is_last || self.tail == TAIL.len()) {
                break is_last;
            }
            let is_stuck = step.consumed == 0 && step.produced == 0 && !step.has_ended;
            if is_stuck && !next.is_empty() {
                return Err(BadData);
            }
        };
        if let Context::History(history) = &mut self.context {
            if ends > 0 {
                // The next stream begins with an empty window.
                history.clear();
            }
            history.push(&output[start..len]);
        }
        let is_given_back = is_done && !matches!(self.context, Context::Own);
        if let Some(inner) = self.inner.take_if(|_| is_given_back) {
            pool::give_inflater(inner);
        }
        Ok((Inflated { consumed: before - input.len(), is_full: len == output.len(), is_done }, len))
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, BadData> {
        let inner = self.inner.get_or_insert_with(|| {
            let mut inner = pool::take_inflater();
            if let Context::History(history) = &self.context {
                history.give(&mut inner);
            }
            inner
        });
        let (consumed, produced) = (inner.total_in(), inner.total_out());
        let status = inner.decompress(input, output, FlushDecompress::None).map_err(|_| BadData)?;
        let step = Step {
            consumed: (inner.total_in() - consumed) as usize,
            produced: (inner.total_out() - produced) as usize,
            has_ended: status == Status::StreamEnd,
        };
        if step.has_ended {
            inner.reset(false);
        }
        if step.consumed > 0 || step.has_ended {
            self.has_ended = step.has_ended;
        }
        Ok(step)
    }
}

fn bad_data() -> Error {
    Error::Io(BadData.into())
}
