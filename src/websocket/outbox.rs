//! What was sent and is not written yet.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};
use tungstenite::{Error, Message, error::ProtocolError, protocol::CloseFrame};

use super::{
    fragments::Fragments,
    inner::{Inner, MAX_FRAME, MAX_HEADER},
};
use crate::deflate::Outbound;

/// What was sent and is not written yet, in tungstenite's write buffer and before it.
#[derive(Debug)]
pub(super) struct Outbox {
    /// At how many bytes sending waits.
    limit: u64,
    /// The rest of a large message.
    fragments: Option<Box<Fragments>>,
    /// What tungstenite has had no room for, behind the large message. Several senders may each have been told that
    /// there is room for one more.
    waiting: VecDeque<Message>,
    /// The Close that comes after all that.
    close: Option<Box<CloseFrame>>,
    /// Whether there may be something to write.
    is_dirty: bool,
    /// Whether tungstenite may hold something, behind which all else has to wait.
    is_queueing: bool,
    /// Whether tungstenite takes nothing any more, though the peer may still read.
    is_past: bool,
    /// How many bytes went to tungstenite since all was written, and how many the IO had taken by then.
    sent: u64,
    written: u64,
    /// The largest message since this was last asked, in bytes.
    largest: usize,
    /// What writing failed with, to be told once. Afterwards nothing is written any more.
    error: Option<Error>,
    has_failed: bool,
    deflate: Outbound,
}

impl Outbox {
    pub(super) fn new(limit: usize, deflate: Outbound) -> Self {
        Self {
            deflate,
            limit: limit as u64,
            fragments: None,
            waiting: VecDeque::new(),
            close: None,
            is_dirty: false,
            is_queueing: false,
            is_past: false,
            sent: 0,
            written: 0,
            largest: 0,
            error: None,
            has_failed: false,
        }
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        !self.is_dirty && self.close.is_none()
    }

    /// tungstenite has an answer of its own to write.
    pub(super) fn set_dirty(&mut self) {
        self.is_dirty = true;
        self.is_queueing = true;
    }

    pub(super) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// What writing failed with, once.
    pub(super) fn take_error(&mut self) -> Option<Error> {
        self.error.take()
    }

    /// The largest message since this was last asked, in bytes.
    pub(super) fn take_largest(&mut self) -> usize {
        std::mem::take(&mut self.largest)
    }

    /// Whether one more message may be sent.
    pub(super) fn has_room<IO>(&self, stream: &Inner<IO>) -> bool
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let written = stream.get_ref().written().saturating_sub(self.written);
        self.waiting.is_empty() && self.fragments.is_none() && self.sent.saturating_sub(written) < self.limit
    }

    /// Takes a message, to be compressed where that was agreed on.
    pub(super) fn push<IO>(&mut self, stream: &mut Inner<IO>, message: Message) -> Result<(), Error>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        // Here, and not where it leaves: messages are compressed in the order in which they are sent.
        let message = self.deflate.compress(message);
        self.push_uncompressed(stream, message)
    }

    /// Takes a message that goes out as it is.
    pub(super) fn push_uncompressed<IO>(
        &mut self,
        stream: &mut Inner<IO>,
        message: Message,
    ) -> Result<(), Error>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        self.is_dirty = true;
        if self.fragments.is_some() || !self.waiting.is_empty() {
            self.waiting.push_back(message);
            return Ok(());
        }
        match Fragments::new(message) {
            Ok(fragments) => {
                self.fragments = Some(Box::new(fragments));
                Ok(())
            }
            Err(message) => self.write(stream, message),
        }
    }

    /// Takes a ping, which overtakes what waits here. Where tungstenite has no room, the peer has enough to answer.
    pub(super) fn push_ping<IO>(&mut self, stream: &mut Inner<IO>)
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        self.set_dirty();
        let _ = Pin::new(stream).start_send(Message::Ping(Bytes::new()));
    }

    /// Takes the last message of all.
    pub(super) fn push_close(&mut self, frame: CloseFrame) {
        self.close = Some(Box::new(frame));
    }

    /// Forgets what tungstenite has not got yet.
    pub(super) fn clear(&mut self) {
        self.fragments = None;
        self.waiting = VecDeque::new();
        self.close = None;
    }

    /// The peer's stream has ended, after which tungstenite takes nothing any more: what is left goes past it.
    pub(super) fn pass_by(&mut self) {
        self.is_past = true;
    }

    /// Nothing is written any more, be it lost.
    pub(super) fn end(&mut self) {
        self.has_failed |= !self.is_empty();
        self.clear();
        self.is_dirty = false;
    }

    /// Writes everything out.
    pub(super) fn poll<IO>(&mut self, stream: &mut Inner<IO>, cx: &mut Context<'_>) -> Poll<()>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        if self.has_failed {
            return Poll::Ready(());
        }
        if let Err(error) = ready!(self.poll_write(stream, cx)) {
            self.clear();
            self.has_failed = true;
            self.error = Some(error);
        }
        self.is_dirty = false;
        Poll::Ready(())
    }

    fn poll_write<IO>(&mut self, stream: &mut Inner<IO>, cx: &mut Context<'_>) -> Poll<Result<(), Error>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            if self.is_past {
                // What tungstenite has comes before what goes past it, of which there is one frame at a time.
                closed_is_fine(ready!(Pin::new(&mut *stream).poll_flush(cx)))?;
                ready!(Pin::new(stream.get_mut()).poll_flush(cx))?;
            }
            if let Some(fragments) = &mut self.fragments {
                // Only one fragment at a time waits in tungstenite, so that a ping can overtake the others.
                closed_is_fine(ready!(Pin::new(&mut *stream).poll_ready(cx)))?;
                match fragments.next() {
                    Some(fragment) => closed_is_fine(self.write(stream, fragment))?,
                    None => self.fragments = None,
                }
                continue;
            }
            if let Some(message) = self.waiting.pop_front() {
                match Fragments::new(message) {
                    Ok(fragments) => self.fragments = Some(Box::new(fragments)),
                    Err(message) => closed_is_fine(self.write(stream, message))?,
                }
                // Unless it had to be put back, the next one can follow.
                if self.sent < self.limit {
                    continue;
                }
            }
            if self.is_queueing {
                // An answer for which a full buffer had no room stays behind the first time.
                for _ in 0..2 {
                    closed_is_fine(ready!(Pin::new(&mut *stream).poll_flush(cx)))?;
                }
                self.is_queueing = false;
            }
            // tungstenite does not do that once the peer's stream has ended.
            ready!(Pin::new(stream.get_mut()).poll_flush(cx))?;
            self.sent = 0;
            self.written = stream.get_ref().written();
            if !self.waiting.is_empty() {
                continue;
            }
            match self.close.take() {
                Some(frame) => closed_is_fine(self.write(stream, Message::Close(Some(*frame))))?,
                None => return Poll::Ready(Ok(())),
            }
        }
    }

    /// Gives tungstenite a message, or keeps it until there is room for it.
    fn write<IO>(&mut self, stream: &mut Inner<IO>, message: Message) -> Result<(), Error>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let len = message.len();
        self.largest = self.largest.max(len);
        self.is_dirty = true;
        if self.is_past {
            stream.get_mut().put_past(message)?;
            return Ok(());
        }
        // Most messages need nothing of tungstenite.
        if !self.is_queueing && stream.get_mut().put(&message) {
            self.sent += (len + MAX_HEADER) as u64;
            return Ok(());
        }
        self.is_queueing = true;
        match Pin::new(stream).start_send(message) {
            Ok(()) => {
                self.sent += (len + MAX_HEADER) as u64;
                Ok(())
            }
            // Pongs may have filled the buffer. A frame that could never fit can only be one of the application's.
            Err(Error::WriteBufferFull(message)) if message.len() <= MAX_FRAME => {
                self.sent = self.sent.max(self.limit);
                self.waiting.push_front(*message);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

/// After the peer's Close nothing is sent any more, and nobody needs to be told: reading says so.
fn closed_is_fine(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(
            Error::ConnectionClosed | Error::AlreadyClosed | Error::Protocol(ProtocolError::SendAfterClosing),
        ) => Ok(()),
        result => result,
    }
}
