//! An open connection: tungstenite's stream, and what it takes to behave well on it.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use tungstenite::{Error, Message, error::ProtocolError};

use super::{
    agreement::Agreement,
    closing::{CloseCode, CloseReason},
    ended::Ended,
    inner::{Inner, Size, stream},
    keepalive::Keepalive,
    outbox::Outbox,
    permit::Permit,
    timer::Timer,
    wakers::{Until, Wakers},
};
use crate::{
    config::Config,
    io::Transport,
    trace::{Scope, Trace},
};

/// How far a connection is on its way to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Messages go both ways.
    Open,
    /// A Close was sent or received, or is about to be sent: only messages that still come are received.
    Closing,
    /// Reading has failed, and the peer is about to be told.
    Failing,
    /// The frames are over: the IO is shut down, and read until the peer has shut it down too.
    Finishing,
    /// The IO is done with.
    Done,
}

/// An open connection. It is behind [`Shared`](super::shared::Shared)'s lock, and never waits there.
///
/// A [`Driver`](super::Driver) looks after all but the reading. Without one, whoever reads does that too.
#[derive(Debug)]
pub(super) struct Connection<IO> {
    /// There until all is over, but for the moment in which [`resize`](Self::resize) replaces it.
    pub(super) stream: Option<Inner<IO>>,
    pub(super) outbox: Outbox,
    pub(super) wakers: Wakers,
    pub(super) keepalive: Keepalive,
    pub(super) timer: Timer,
    pub(super) phase: Phase,
    /// When the end is no longer waited for.
    pub(super) deadline: Option<Instant>,
    /// The size of the stream's buffers, and when large ones are given back.
    pub(super) size: Size,
    pub(super) shrink_at: Option<Instant>,
    pub(super) busy: Instant,
    pub(super) is_shut_down: bool,
    /// Whether nobody will read any more.
    pub(super) is_abandoned: bool,
    /// Whether a shutdown has lost its patience.
    pub(super) is_dropped: bool,
    pub(super) senders: usize,
    /// What reading failed with, to be told once.
    pub(super) error: Option<Error>,
    pub(super) ended: Option<Box<Ended>>,
    pub(super) config: Arc<Config>,
    pub(super) permit: Option<Permit>,
    pub(super) trace: Trace,
}

impl<IO> Connection<IO> {
    /// What the handler runs in.
    pub(super) fn scope(&self) -> Scope {
        self.trace.scope()
    }

    pub(super) fn into_stream(self) -> Inner<IO> {
        self.stream.expect(STREAM)
    }

    pub(super) fn stream(&mut self) -> &mut Inner<IO> {
        self.stream.as_mut().expect(STREAM)
    }

    pub(super) fn wakers(&mut self) -> &mut Wakers {
        &mut self.wakers
    }

    /// Whether messages may still be sent.
    pub(super) fn is_open(&self) -> bool {
        self.phase == Phase::Open && !self.outbox.has_failed()
    }

    /// Whether the peer's Close has come.
    pub(super) fn is_closed_by_peer(&self) -> bool {
        self.ended.as_ref().is_some_and(|ended| ended.received.is_some())
    }

    /// Whether the IO is done with.
    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Done
    }

    /// Whether the handler is to be dropped.
    pub(super) fn is_dropped(&self) -> bool {
        self.is_dropped
    }

    /// How the connection ended; `None` while it is open.
    pub(super) fn ended(&self) -> Option<Ended> {
        match &self.ended {
            Some(ended) => Some(Ended::clone(ended)),
            None => (self.phase > Phase::Closing).then(Ended::default),
        }
    }
}

const STREAM: &str = "the stream is away only within resize, and once all is over";

/// The largest payload of a control frame (RFC 6455 §5.5), in bytes.
const MAX_CONTROL: usize = 125;

/// How many messages are discarded at a time.
const MAX_DISCARDED: usize = 64;

impl<IO: AsyncRead + AsyncWrite + Unpin> Connection<IO> {
    pub(super) fn new(io: IO, unread: &[u8], agreement: Agreement) -> Self {
        let Agreement { config, permit, trace, deflate, protocol: _ } = agreement;
        let transport =
            Transport::new(io, unread, config.max_frame_size, deflate.inbound(config.max_frame_size));
        let now = Instant::now();
        Self {
            stream: Some(stream(transport, &config, Size::Small)),
            outbox: Outbox::new(config.max_write_buffer_size, deflate.outbound()),
            wakers: Wakers::default(),
            keepalive: Keepalive::new(config.keepalive_interval, config.keepalive_timeout, now),
            timer: Timer::default(),
            phase: Phase::Open,
            deadline: None,
            size: Size::Small,
            shrink_at: None,
            busy: now,
            is_shut_down: false,
            is_abandoned: false,
            is_dropped: false,
            senders: 0,
            error: None,
            ended: None,
            config,
            permit: Some(permit),
            trace,
        }
    }

    /// Gives `f` the stream, which may send and receive there.
    pub(super) fn with_stream<R>(&mut self, f: impl FnOnce(&mut Inner<IO>) -> R) -> R {
        let stream = self.stream.as_mut().expect(STREAM);
        stream.get_mut().watch();
        let result = f(stream);
        stream.get_mut().unwatch();
        self.outbox.set_dirty();
        self.wakers.wake_driver();
        result
    }

    /// The next message, or how reading ended: an error once, then `None`.
    pub(super) fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        loop {
            let phase = self.phase;
            match phase {
                Phase::Open | Phase::Closing => {
                    if let Poll::Ready(received) = self.poll_stream(cx) {
                        match received {
                            Some(message) => return Poll::Ready(Some(Ok(message))),
                            None => continue,
                        }
                    }
                }
                Phase::Failing => {}
                Phase::Finishing | Phase::Done => {
                    if !self.wakers.is_driven() {
                        self.poll_upkeep(cx);
                    }
                    return Poll::Ready(self.error.take().map(Err));
                }
            }
            self.wakers.wait_to_read(cx.waker());
            if !self.wakers.is_driven() {
                self.poll_upkeep(cx);
            }
            if self.phase == phase {
                return Poll::Pending;
            }
        }
    }

    /// The next message; `None` when the connection got on to another phase instead.
    ///
    /// tungstenite reads what is not an ordinary message in one frame, and all once the end has begun.
    pub(super) fn poll_stream(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        if self.phase == Phase::Open {
            let max = self.config.max_frame_size.min(self.config.max_message_size);
            if let Some(message) = ready!(self.stream().get_mut().poll_message(cx, max)) {
                self.trace.received(message.len());
                return Poll::Ready(Some(message));
            }
        }
        match ready!(Pin::new(self.stream()).poll_next(cx)) {
            Some(Ok(message)) => {
                match &message {
                    // tungstenite answers both, once it is flushed.
                    Message::Ping(_) => {
                        self.outbox.set_dirty();
                        self.wakers.wake_driver();
                    }
                    Message::Close(frame) => {
                        // What has found no room by now must not follow tungstenite's answer.
                        self.outbox.clear();
                        self.outbox.set_dirty();
                        self.ended.get_or_insert_default().received = Some(frame.clone());
                        self.enter(Phase::Closing);
                    }
                    Message::Text(_) | Message::Binary(_) => self.trace.received(message.len()),
                    Message::Pong(_) | Message::Frame(_) => {}
                }
                Poll::Ready(Some(message))
            }
            // After the peer's Close nothing counts any more (RFC 6455 §1.4): that was the end.
            Some(Err(error)) if !self.is_closed_by_peer() => {
                self.fail(error);
                Poll::Ready(None)
            }
            Some(Err(_)) | None => {
                self.finish();
                Poll::Ready(None)
            }
        }
    }

    /// Ready when a message may be sent, or never any more.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.check_open()?;
        if self.has_room() {
            return Poll::Ready(Ok(()));
        }
        let written = self.poll_write_for(cx);
        self.check_open()?;
        if written.is_ready() || self.has_room() {
            return Poll::Ready(Ok(()));
        }
        self.wakers.wait_to_write(cx.waker(), Until::Room);
        Poll::Pending
    }

    /// Takes a message to be sent, after [`poll_ready`](Self::poll_ready).
    pub(super) fn start_send(&mut self, message: Message) -> Result<(), Error> {
        self.start_send_with(message, Outbox::push)
    }

    /// [`start_send`](Self::start_send), with the outbox's way to take the message.
    pub(super) fn start_send_with(
        &mut self,
        message: Message,
        push: impl FnOnce(&mut Outbox, &mut Inner<IO>, Message) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.check_open()?;
        match message {
            Message::Close(frame) => {
                let (code, reason) = match &frame {
                    Some(frame) => (u16::from(frame.code), frame.reason.as_str()),
                    None => (CloseCode::NORMAL.get(), ""),
                };
                let code = CloseCode::try_from(code).map_err(|_| ProtocolError::InvalidCloseSequence)?;
                self.begin_close(code, reason.into());
                Ok(())
            }
            Message::Ping(payload) | Message::Pong(payload) if payload.len() > MAX_CONTROL => {
                Err(ProtocolError::ControlFrameTooBig.into())
            }
            message => {
                if matches!(message, Message::Text(_) | Message::Binary(_)) {
                    self.trace.sent(message.len());
                }
                let stream = self.stream.as_mut().expect(STREAM);
                push(&mut self.outbox, stream, message)
            }
        }
    }

    /// Writes out what was sent: now, or once the handler waits.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let corked = self.config.cork && self.wakers.is_corked(cx.waker());
        if !corked && !self.outbox.is_empty() && self.poll_write_for(cx).is_pending() {
            // Without a driver, too: a reader on another task may be the one that the IO wakes.
            self.wakers.wait_to_write(cx.waker(), Until::Written);
            return Poll::Pending;
        }
        Poll::Ready(self.written())
    }

    /// What became of what was sent.
    fn written(&mut self) -> Result<(), Error> {
        match self.outbox.take_error() {
            Some(error) => Err(error),
            None if self.outbox.has_failed() => Err(Error::AlreadyClosed),
            None => Ok(()),
        }
    }

    /// Begins the closing handshake, unless it has begun, and waits until the connection is over.
    pub(super) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.begin_close(CloseCode::NORMAL, CloseReason::default());
        loop {
            let phase = self.phase;
            match phase {
                // Messages that still come are not wanted any more.
                Phase::Open | Phase::Closing => self.poll_discard(cx),
                Phase::Failing | Phase::Finishing => {}
                Phase::Done => return Poll::Ready(self.written()),
            }
            self.wakers.wait_to_read(cx.waker());
            if self.wakers.is_driven() {
                self.wakers.wake_driver();
            } else {
                self.poll_upkeep(cx);
            }
            if self.phase == phase {
                return Poll::Pending;
            }
        }
    }

    /// Receives messages that are not wanted, until the connection gets on to another phase.
    pub(super) fn poll_discard(&mut self, cx: &mut Context<'_>) {
        for _ in 0..MAX_DISCARDED {
            match self.poll_stream(cx) {
                Poll::Ready(Some(_)) => {}
                Poll::Ready(None) | Poll::Pending => return,
            }
        }
        // A flood must not keep the others waiting, nor the deadline.
        cx.waker().wake_by_ref();
    }

    pub(super) fn add_sender(&mut self) {
        self.senders += 1;
    }

    /// Without senders there is nothing more to say; `code` tells the peer.
    pub(super) fn remove_sender(&mut self, code: CloseCode) {
        self.senders -= 1;
        if self.senders == 0 {
            self.begin_close(code, CloseReason::default());
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.stream.as_ref().is_some_and(|stream| self.outbox.has_room(stream))
    }

    /// Whether a message may be sent, and what to say if not.
    fn check_open(&mut self) -> Result<(), Error> {
        match (self.outbox.take_error(), self.phase) {
            (Some(error), _) => Err(error),
            (None, _) if self.outbox.has_failed() => Err(Error::AlreadyClosed),
            (None, Phase::Open) => Ok(()),
            (None, Phase::Closing) => Err(ProtocolError::SendAfterClosing.into()),
            (None, _) => Err(Error::AlreadyClosed),
        }
    }

    /// Writes what senders have left. What has to wait is the driver's.
    pub(super) fn deliver(&mut self) {
        self.wakers.end_delivery();
        if self.outbox.is_empty() {
            return;
        }
        if let Some(driver) = self.wakers.take_driver() {
            let _ = self.poll_write(&mut Context::from_waker(&driver));
            self.wakers.put_driver(driver);
        }
    }

    /// Writes for a task that may not be the driver's: the driver goes on with what has to wait.
    fn poll_write_for(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(driver) = self.wakers.take_driver() else { return self.poll_write(cx) };
        let written = self.poll_write(&mut Context::from_waker(&driver));
        self.wakers.put_driver(driver);
        written
    }

    /// Writes out all that was sent.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(stream) = &mut self.stream else { return Poll::Ready(()) };
        let written = self.outbox.poll(stream, cx);
        if written.is_ready() {
            self.wakers.wake_writers(Until::Written);
        } else if self.has_room() {
            self.wakers.wake_writers(Until::Room);
        }
        written
    }
}
