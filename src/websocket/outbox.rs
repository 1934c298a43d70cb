//! What was sent and is not written yet.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};
use tungstenite::{Error, Message, error::ProtocolError, protocol::CloseFrame};

use super::{
    fragments::Fragments,
    inner::{Inner, MAX_FRAME},
};

/// What was sent and is not written yet, in tungstenite's write buffer and before it.
#[derive(Debug)]
pub(super) struct Outbox {
    /// At how many bytes sending waits.
    limit: u64,
    /// A message that tungstenite had no room for.
    waiting: Option<Box<Message>>,
    /// The rest of a large message.
    fragments: Option<Box<Fragments>>,
    /// The Close that comes after all that.
    close: Option<Box<CloseFrame>>,
    /// Whether tungstenite may have something to write.
    is_dirty: bool,
    /// How many bytes went to tungstenite since all was written, and how many the IO had taken by then.
    sent: u64,
    written: u64,
    /// The largest message since this was last asked, in bytes.
    largest: usize,
    /// What writing failed with, to be told once. Afterwards nothing is written any more.
    error: Option<Error>,
    has_failed: bool,
}

impl Outbox {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit: limit as u64,
            waiting: None,
            fragments: None,
            close: None,
            is_dirty: false,
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
        let written = stream.get_ref().written() - self.written;
        self.waiting.is_none() && self.fragments.is_none() && self.sent.saturating_sub(written) < self.limit
    }

    /// Takes a message.
    pub(super) fn push<IO>(&mut self, stream: &mut Inner<IO>, message: Message) -> Result<(), Error>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        match Fragments::new(message) {
            Ok(fragments) => {
                self.fragments = Some(Box::new(fragments));
                self.is_dirty = true;
                Ok(())
            }
            Err(message) => self.write(stream, message),
        }
    }

    /// Takes the last message of all.
    pub(super) fn push_close(&mut self, frame: CloseFrame) {
        self.close = Some(Box::new(frame));
    }

    /// Forgets what tungstenite has not got yet.
    pub(super) fn clear(&mut self) {
        self.waiting = None;
        self.fragments = None;
        self.close = None;
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
        self.sent = 0;
        self.written = stream.get_ref().written();
        Poll::Ready(())
    }

    fn poll_write<IO>(&mut self, stream: &mut Inner<IO>, cx: &mut Context<'_>) -> Poll<Result<(), Error>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        loop {
            if let Some(message) = self.waiting.take() {
                closed_is_fine(self.write(stream, *message))?;
            } else if let Some(fragments) = &mut self.fragments {
                // Only one fragment at a time waits in tungstenite, so that a ping can overtake the others.
                closed_is_fine(ready!(Pin::new(&mut *stream).poll_ready(cx)))?;
                match fragments.next() {
                    Some(fragment) => closed_is_fine(self.write(stream, fragment))?,
                    None => self.fragments = None,
                }
                continue;
            }
            closed_is_fine(ready!(Pin::new(&mut *stream).poll_flush(cx)))?;
            if self.waiting.is_some() {
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
        match Pin::new(stream).start_send(message) {
            Ok(()) => {
                self.sent += len as u64;
                Ok(())
            }
            // Pongs may have filled the buffer. A frame that could never fit can only be one of the application's.
            Err(Error::WriteBufferFull(message)) if message.len() <= MAX_FRAME => {
                self.waiting = Some(message);
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
