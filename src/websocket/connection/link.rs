//! The IO of a connection with its decoder and pending output. It is used outside of the lock.

use std::{
    io,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tungstenite::{Error, Message};

use crate::{
    codec::{Decoded, Decoder, Flight},
    io::{ReadBuffer, Unread},
};

/// The IO of a connection with its decoder and pending output.
///
/// A task that does a piece of [`Work`] takes the link out of the connection and puts it back
/// afterwards. The IO is foreign code, so it is not polled under the lock.
#[derive(Debug)]
pub(super) struct Link<IO> {
    io: IO,
    /// Bytes that were read and not decoded yet.
    unread: Unread,
    decoder: Decoder,
    flight: Option<Flight>,
    /// Whether written bytes may still be in the IO's buffer.
    needs_flush: bool,
    /// Whether reading has ended: at the end of the stream, or with an error. The error is
    /// formatted while no lock is held.
    has_ended: bool,
    error: Option<Box<(io::Error, String)>>,
    is_shut_down: bool,
}

/// A piece of work with the IO. None of them waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Read the available data, up to the size of a buffer.
    Read,
    /// Read the available data and discard it.
    Discard,
    /// Write the data in flight.
    Write,
    /// Write the data in flight, which precedes the end of the stream.
    WriteLast,
    /// Shut down this side.
    ShutDown,
}

/// The result of a piece of work.
#[derive(Debug)]
pub(super) enum Outcome {
    Read {
        bytes: usize,
        /// Whether the IO has no more data for now, and will wake the connection when it has.
        is_pending: bool,
        /// The result of decoding bytes that were read directly into a large message.
        decoded: Option<Box<Result<Decoded, Error>>>,
    },
    Written {
        bytes: usize,
        /// Whether the IO accepts no more data for now, and will wake the connection when it does.
        is_blocked: bool,
        error: Option<io::Error>,
    },
    ShutDown {
        is_pending: bool,
    },
}

/// The maximum number of reads that are discarded at a time.
const MAX_DISCARDED: usize = 16;

impl<IO> Link<IO> {
    /// `unread` are bytes that were already read from `io`.
    pub(super) fn new(io: IO, unread: &[u8], decoder: Decoder) -> Self {
        Self {
            io,
            // Copied, because it may be part of a server's much larger read buffer.
            unread: Unread::copy(unread),
            decoder,
            flight: None,
            needs_flush: false,
            has_ended: false,
            error: None,
            is_shut_down: false,
        }
    }

    /// Decodes one step of the data that was read. A message is always a [`Decoded::Message`].
    pub(super) fn decode(&mut self) -> Result<Decoded, Error> {
        let mut input = self.unread.as_mut_slice();
        let before = input.len();
        let decoded = self.decoder.decode(&mut input);
        let taken = before - input.len();
        if let Ok(Decoded::Last(len)) = decoded {
            return Ok(Decoded::Message(Message::Binary(self.unread.take_last(len))));
        }
        self.unread.advance(taken);
        decoded
    }

    /// Returns `true` if the next frame is the peer's Close, even if only part of it has arrived.
    pub(super) fn is_at_close(&self) -> bool {
        self.decoder.is_at_close(self.unread.as_slice())
    }

    /// Returns `true` if the next frame is a control frame, even if only part of it has arrived.
    pub(super) fn is_at_control(&self) -> bool {
        self.decoder.is_at_control(self.unread.as_slice())
    }

    /// Makes the decoder return messages in pieces from now on.
    pub(super) fn give_pieces(&mut self) {
        self.decoder.give_pieces();
    }

    /// Returns the number of bytes of an incomplete message.
    pub(super) fn assembled(&self) -> usize {
        self.decoder.assembled()
    }

    /// Returns the number of bytes that were read and not decoded yet.
    pub(super) fn unread(&self) -> usize {
        self.unread.len()
    }

    /// Releases the read buffer if little undecoded data is left.
    pub(super) fn settle_unread(&mut self) {
        self.unread.settle();
    }

    /// Returns `true` if reading has ended, at the end of the stream or with an error.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Returns the error with which reading ended, once.
    pub(super) fn take_read_error(&mut self) -> Option<(io::Error, String)> {
        self.error.take().map(|error| *error)
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

    /// Returns the number of unwritten bytes in flight.
    pub(super) fn in_flight(&self) -> usize {
        self.flight.as_ref().map_or(0, Flight::remaining)
    }

    /// Returns `true` if the last decoded byte ended a message, and the stream has not ended.
    pub(super) fn is_at_rest(&self) -> bool {
        self.decoder.is_at_rest() && !self.has_ended
    }

    pub(super) fn io(&self) -> &IO {
        &self.io
    }

    /// Returns the IO, and the data that was read from it and not decoded.
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
            Work::Write | Work::WriteLast => self.write(cx),
            Work::ShutDown => self.shut_down(cx),
        }
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Outcome {
        let mut total = 0;
        let mut is_pending = false;
        let mut decoded = None;
        // The rest of a large message is read directly into the message, without a copy and without
        // any other data. Only data that follows a complete message is read below.
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
                    self.end(end.map(drop));
                    return Outcome::Read { bytes: 0, is_pending: false, decoded: None };
                }
            }
        }
        // Reads until the IO has no more data. The IO then wakes the connection when data arrives,
        // even if the handler does not receive.
        let mut buffer = ReadBuffer::take();
        while !buffer.is_full() {
            match buffer.poll_read(&mut self.io, cx) {
                Poll::Pending => {
                    is_pending = true;
                    break;
                }
                Poll::Ready(Ok(n)) if n > 0 => {}
                Poll::Ready(end) => {
                    self.end(end.map(drop));
                    break;
                }
            }
        }
        total += buffer.len();
        self.unread = Unread::hold(buffer);
        Outcome::Read { bytes: total, is_pending, decoded }
    }

    /// Notes how reading ended.
    fn end(&mut self, end: io::Result<()>) {
        self.has_ended = true;
        self.error = end.err().map(with_text);
    }

    /// Reads and discards data until the end of the stream or an error.
    fn discard(&mut self, cx: &mut Context<'_>) -> Outcome {
        self.unread = Unread::default();
        let mut bytes = 0;
        let mut is_pending = false;
        let mut buffer = ReadBuffer::take();
        for _ in 0..MAX_DISCARDED {
            buffer.clear();
            match buffer.poll_read(&mut self.io, cx) {
                Poll::Pending => {
                    is_pending = true;
                    break;
                }
                Poll::Ready(Ok(n)) if n > 0 => bytes += n,
                Poll::Ready(end) => {
                    self.end(end.map(drop));
                    break;
                }
            }
        }
        buffer.give();
        Outcome::Read { bytes, is_pending, decoded: None }
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

/// Returns an error of the IO with its text. Both are foreign code.
fn with_text(error: io::Error) -> Box<(io::Error, String)> {
    let text = Error::Io(error);
    let words = text.to_string();
    let Error::Io(error) = text else { unreachable!("it is one of the IO") };
    Box::new((error, words))
}
