//! The IO of a connection, and what is read from it and written to it. It is used outside of the
//! lock.

use std::{
    io,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tungstenite::Error;

use crate::{
    codec::{Decoded, Decoder, Flight},
    io::{Unread, read_buffer},
};

/// The IO of a connection, and what is read from it and written to it.
///
/// Whoever does a piece of [`Work`] takes the link out of the connection and puts it back
/// afterwards: the IO is not ours, so it is not polled under the lock.
#[derive(Debug)]
pub(super) struct Link<IO> {
    io: IO,
    /// Bytes that were read and not decoded yet.
    unread: Unread,
    decoder: Decoder,
    flight: Option<Flight>,
    /// Whether bytes were written that the IO may still hold.
    needs_flush: bool,
    /// How reading ended: at the end of the stream, or with an error, which is put into words while
    /// no lock is held.
    end: Option<Result<(), Box<(io::Error, String)>>>,
    is_shut_down: bool,
}

/// A piece of work with the IO, none of which waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Read what is there, at most a buffer's worth.
    Read,
    /// Read what is there and throw it away.
    Discard,
    /// Write what is in flight.
    Write,
    /// Shut down this side.
    ShutDown,
}

/// What a piece of work came to.
#[derive(Debug)]
pub(super) enum Outcome {
    Read {
        bytes: usize,
        /// Whether the IO has no more for now, and wakes the connection when it has.
        is_pending: bool,
        /// What the bytes were that went into a large message.
        decoded: Option<Box<Result<Decoded, Error>>>,
    },
    Written {
        bytes: usize,
        /// Whether the IO takes no more for now, and wakes the connection when it does.
        is_blocked: bool,
        error: Option<io::Error>,
    },
    ShutDown {
        is_pending: bool,
    },
}

/// How many reads are thrown away at a time.
const MAX_DISCARDED: usize = 16;

impl<IO> Link<IO> {
    /// `unread` goes before what `io` will still give.
    pub(super) fn new(io: IO, unread: &[u8], decoder: Decoder) -> Self {
        Self {
            io,
            // A copy: it may be a part of a server's much larger read buffer.
            unread: Unread::copy(unread),
            decoder,
            flight: None,
            needs_flush: false,
            end: None,
            is_shut_down: false,
        }
    }

    /// Takes one step through what was read.
    pub(super) fn decode(&mut self) -> Result<Decoded, Error> {
        let mut input = self.unread.as_mut_slice();
        let before = input.len();
        let decoded = self.decoder.decode(&mut input);
        let taken = before - input.len();
        self.unread.advance(taken);
        decoded
    }

    /// Returns whether what comes next is the peer's Close, or a part of that.
    pub(super) fn is_at_close(&self) -> bool {
        self.decoder.is_at_close(self.unread.as_slice())
    }

    /// Has messages given out in pieces from now on.
    pub(super) fn give_pieces(&mut self) {
        self.decoder.give_pieces();
    }

    /// Returns how many bytes there are of a message that is not whole.
    pub(super) fn assembled(&self) -> usize {
        self.decoder.assembled()
    }

    /// Returns how many bytes were read and not decoded yet.
    pub(super) fn unread(&self) -> usize {
        self.unread.len()
    }

    /// Keeps no read buffer for little that is not decoded.
    pub(super) fn settle_unread(&mut self) {
        self.unread.settle();
    }

    /// Returns whether reading has ended, at the end of the stream or with an error.
    pub(super) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Returns the error that reading ended with, once.
    pub(super) fn take_read_error(&mut self) -> Option<(io::Error, String)> {
        match self.end.replace(Ok(())) {
            Some(Err(error)) => Some(*error),
            _ => None,
        }
    }

    pub(super) fn is_shut_down(&self) -> bool {
        self.is_shut_down
    }

    pub(super) fn has_flight(&self) -> bool {
        self.flight.is_some() || self.needs_flush
    }

    pub(super) fn set_flight(&mut self, flight: Flight) {
        self.flight = Some(flight);
    }

    /// Returns how many bytes of what is in flight are not written yet.
    pub(super) fn in_flight(&self) -> usize {
        self.flight.as_ref().map_or(0, Flight::remaining)
    }

    /// Returns whether the last byte that was decoded ended a message, and nothing follows it.
    pub(super) fn is_at_rest(&self) -> bool {
        self.decoder.is_at_rest() && self.end.is_none()
    }

    pub(super) fn io(&self) -> &IO {
        &self.io
    }

    /// Returns the IO, and what was read from it and not decoded.
    pub(super) fn into_parts(self) -> (IO, Vec<u8>) {
        let unread = self.unread.as_slice().to_vec();
        (self.io, unread)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Link<IO> {
    pub(super) fn work(&mut self, work: Work, cx: &mut Context<'_>) -> Outcome {
        match work {
            Work::Read => self.read(cx),
            Work::Discard => self.discard(cx),
            Work::Write => self.write(cx),
            Work::ShutDown => self.shut_down(cx),
        }
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Outcome {
        let mut total = 0;
        let mut is_pending = false;
        let mut decoded = None;
        // What is missing of a large message is read into the message itself, without a copy, and
        // nothing else with it. Only what follows a whole message is read below.
        if let Some(mut buffer) = self.decoder.direct() {
            match pin!(self.io.read_buf(&mut buffer)).poll(cx) {
                Poll::Pending => return Outcome::Read { bytes: 0, is_pending: true, decoded: None },
                Poll::Ready(Ok(n)) if n > 0 => {
                    total += n;
                    let result = self.decoder.decode_direct();
                    if !matches!(result, Ok(Decoded::Message(_))) {
                        let decoded = Some(Box::new(result));
                        return Outcome::Read { bytes: n, is_pending: false, decoded };
                    }
                    decoded = Some(Box::new(result));
                }
                Poll::Ready(end) => {
                    self.end = Some(end.map(drop).map_err(in_words));
                    return Outcome::Read { bytes: 0, is_pending: false, decoded: None };
                }
            }
        }
        // Until the IO has no more: it then wakes the connection for what comes next, whatever the
        // handler does.
        let mut buffer = read_buffer::take();
        let mut read = ReadBuf::new(&mut buffer);
        while read.remaining() > 0 {
            let before = read.filled().len();
            match Pin::new(&mut self.io).poll_read(cx, &mut read) {
                Poll::Pending => {
                    is_pending = true;
                    break;
                }
                Poll::Ready(Ok(())) if read.filled().len() > before => {}
                Poll::Ready(end) => {
                    self.end = Some(end.map_err(in_words));
                    break;
                }
            }
        }
        let filled = read.filled().len();
        total += filled;
        self.unread = Unread::hold(buffer, filled);
        Outcome::Read { bytes: total, is_pending, decoded }
    }

    /// Reads and throws away until the end of the stream, or an error.
    fn discard(&mut self, cx: &mut Context<'_>) -> Outcome {
        self.unread = Unread::default();
        let mut bytes = 0;
        for _ in 0..MAX_DISCARDED {
            let read = read_buffer::with(|buffer| {
                let mut buffer = ReadBuf::new(buffer);
                Pin::new(&mut self.io).poll_read(cx, &mut buffer).map_ok(|()| buffer.filled().len())
            });
            match read {
                Poll::Pending => return Outcome::Read { bytes, is_pending: true, decoded: None },
                Poll::Ready(Ok(n)) if n > 0 => bytes += n,
                Poll::Ready(end) => {
                    self.end = Some(end.map(drop).map_err(in_words));
                    break;
                }
            }
        }
        Outcome::Read { bytes, is_pending: false, decoded: None }
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Outcome {
        let mut bytes = 0;
        let outcome = |bytes, is_blocked, error| Outcome::Written { bytes, is_blocked, error };
        while let Some(flight) = &mut self.flight {
            if flight.remaining() == 0 {
                self.flight = None;
                break;
            }
            let slices = flight.slices();
            let written = match &slices {
                [head, payload] if payload.is_empty() => Pin::new(&mut self.io).poll_write(cx, head),
                slices => Pin::new(&mut self.io).poll_write_vectored(cx, slices),
            };
            match written {
                Poll::Pending => return outcome(bytes, true, None),
                Poll::Ready(Ok(0)) => return outcome(bytes, false, Some(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(n)) => {
                    flight.advance(n);
                    self.needs_flush = true;
                    bytes += n;
                }
                Poll::Ready(Err(error)) => return outcome(bytes, false, Some(error)),
            }
        }
        match Pin::new(&mut self.io).poll_flush(cx) {
            Poll::Pending => outcome(bytes, true, None),
            Poll::Ready(Ok(())) => {
                self.needs_flush = false;
                outcome(bytes, false, None)
            }
            Poll::Ready(Err(error)) => outcome(bytes, false, Some(error)),
        }
    }

    fn shut_down(&mut self, cx: &mut Context<'_>) -> Outcome {
        let polled = Pin::new(&mut self.io).poll_shutdown(cx);
        self.is_shut_down = polled.is_ready();
        Outcome::ShutDown { is_pending: polled.is_pending() }
    }
}

/// An error of the IO, and what it shows as. Both are code of the IO's.
fn in_words(error: io::Error) -> Box<(io::Error, String)> {
    let text = Error::Io(error);
    let words = text.to_string();
    let Error::Io(error) = text else { unreachable!("it is one of the IO") };
    Box::new((error, words))
}
