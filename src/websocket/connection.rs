//! An open connection: tungstenite's stream, and what it takes to behave well on it.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_core::Stream;
use futures_sink::Sink;
use futures_util::FutureExt;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use tokio_tungstenite::WebSocketStream;
use tungstenite::{
    Error, Message,
    error::ProtocolError,
    protocol::{CloseFrame, Role, WebSocketConfig},
};

use super::{
    closing::{self, CloseCode, CloseReason},
    fragments::Fragments,
    keepalive::{Due, Keepalive},
    timer::Timer,
};
use crate::{Config, io::Transport, permit::Permit, shutdown::Stage};

/// tungstenite's read buffer: it is held for as long as the connection is open, so it is a small one.
const READ_BUFFER: usize = 1024;

/// tungstenite's write buffer is written out when it holds more than this.
const WRITE_BUFFER: usize = 64 * 1024;

/// A frame that goes into tungstenite's write buffer beside what may wait there.
const MAX_FRAME: usize = Fragments::SIZE + 14;

/// A frame larger than this leaves buffers behind that are worth giving back.
const LARGE: u64 = 2 * READ_BUFFER as u64;

/// How long after a large frame its buffers are given back. Those of a busy connection stay.
const SHRINK_AFTER: Duration = Duration::from_secs(1);

/// How far the connection is on its way to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Messages go both ways.
    Open,
    /// A Close is to be sent, or was sent or received: nothing more is sent.
    Closing,
    /// Reading has failed: nothing more is read, a Close is still to be sent.
    Failing,
    /// The frames are over: the IO is shut down, and read until the peer has shut it down too.
    Finishing,
    /// The IO is done with.
    Done,
}

/// tokio-tungstenite's stream over ours.
pub(super) type Inner<IO> = WebSocketStream<Transport<IO>>;

/// An open connection. All its methods are called under [`Shared`](super::shared::Shared)'s lock.
#[derive(Debug)]
pub(super) struct Connection<IO> {
    /// Always there, but for the moment in which [`shrink`](Self::shrink) replaces it.
    stream: Option<Inner<IO>>,
    config: Arc<Config>,
    permit: Option<Permit>,
    phase: Phase,
    /// The Close that is still to be sent, once all that was sent before it is out.
    close: Option<CloseFrame>,
    /// When the rest of the end stops being waited for.
    deadline: Option<Instant>,
    /// What reading failed with, to be told once.
    read_error: Option<Error>,
    /// What writing failed with, to be told once; afterwards nothing is written any more.
    write_error: Option<Error>,
    write_failed: bool,
    /// Whether the peer's Close has come.
    peer_closed: bool,
    /// Whether a shutdown has lost its patience.
    dropped: bool,
    /// Whether our side of the IO is shut down.
    shut_down: bool,

    /// A message that tungstenite had no room for.
    waiting: Option<Message>,
    /// The rest of a large message.
    fragments: Option<Fragments>,
    /// Whether anything may wait to be written.
    unflushed: bool,
    /// How many bytes of frames went to tungstenite since all was written, and how many had been written by then.
    sent: u64,
    written: u64,

    keepalive: Keepalive,
    /// When grown buffers may be given back.
    shrink_at: Option<Instant>,
    timer: Timer,
    /// Whether tungstenite has nothing more to read.
    drained: bool,

    /// Whether there is a driver, and its task once that was polled.
    driven: bool,
    driver: Option<Waker>,
    /// Whether the driver is polling the handler now.
    corking: bool,
    reader: Option<Waker>,
    writers: Vec<Waker>,
    /// How many [`Sender`](super::halves::Sender)s there are.
    senders: usize,
    /// Why nobody will read any more.
    abandoned: Option<CloseCode>,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Connection<IO> {
    pub(super) fn new(io: IO, unread: &[u8], config: Arc<Config>, permit: Permit) -> Self {
        let transport = Transport::new(io, unread, config.max_frame_size);
        Self {
            stream: Some(stream(transport, &config)),
            permit: Some(permit),
            phase: Phase::Open,
            close: None,
            deadline: None,
            read_error: None,
            write_error: None,
            write_failed: false,
            peer_closed: false,
            shut_down: false,
            waiting: None,
            fragments: None,
            unflushed: false,
            sent: 0,
            written: 0,
            keepalive: Keepalive::new(config.keepalive_interval, config.keepalive_timeout, Instant::now()),
            shrink_at: None,
            timer: Timer::default(),
            drained: false,
            dropped: false,
            driven: false,
            driver: None,
            corking: false,
            reader: None,
            writers: Vec::new(),
            senders: 0,
            abandoned: None,
            config,
        }
    }

    pub(super) fn stream(&mut self) -> &mut Inner<IO> {
        self.stream.as_mut().expect("the stream is there outside of shrink")
    }

    pub(super) fn into_stream(self) -> Inner<IO> {
        self.stream.expect("the stream is there outside of shrink")
    }

    fn transport(&mut self) -> &mut Transport<IO> {
        self.stream().get_mut()
    }

    /// The next message, or how reading ended: an error once, then `None`.
    pub(super) fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        loop {
            match self.phase {
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
                    if !self.driven {
                        self.poll_upkeep(cx);
                    }
                    return Poll::Ready(self.read_error.take().map(Err));
                }
            }
            remember(&mut self.reader, cx.waker());
            if self.driven {
                return Poll::Pending;
            }
            // Nobody else looks after the connection.
            let phase = self.phase;
            self.poll_upkeep(cx);
            if self.phase == phase {
                return Poll::Pending;
            }
        }
    }

    /// The next message from tungstenite; `None` when the phase has changed instead.
    fn poll_stream(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        let polled = Pin::new(self.stream()).poll_next(cx);
        self.drained = polled.is_pending();
        match ready!(polled) {
            Some(Ok(message)) => {
                match message {
                    // Its answer waits in tungstenite.
                    Message::Ping(_) => self.unflushed = true,
                    Message::Close(_) => {
                        self.unflushed = true;
                        self.peer_closed = true;
                        self.start_closing();
                    }
                    _ => {}
                }
                Poll::Ready(Some(message))
            }
            Some(Err(error)) => {
                self.fail(error);
                Poll::Ready(None)
            }
            None => {
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
        match self.poll_out_for(cx) {
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending if self.has_room() => Poll::Ready(Ok(())),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Takes a message to be sent, after [`poll_ready`](Self::poll_ready).
    pub(super) fn start_send(&mut self, message: Message) -> Result<(), Error> {
        self.check_open()?;
        match message {
            Message::Close(frame) => {
                self.close = Some(frame.unwrap_or_else(|| CloseCode::NORMAL.frame(CloseReason::default())));
                self.start_closing();
                Ok(())
            }
            message => match Fragments::new(message) {
                Ok(fragments) => {
                    self.fragments = Some(fragments);
                    self.unflushed = true;
                    Ok(())
                }
                Err(message) => self.write(message),
            },
        }
    }

    /// Writes out what was sent; at once, or when the handler's task waits.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if let Some(error) = self.write_error.take() {
            return Poll::Ready(Err(error));
        }
        let corked = self.corking
            && self.config.cork
            && self.driver.as_ref().is_some_and(|driver| driver.will_wake(cx.waker()));
        if corked || !self.unflushed && self.close.is_none() {
            return Poll::Ready(Ok(()));
        }
        self.poll_out_for(cx)
    }

    /// Sends a Close, unless that is on its way, and waits until the connection is over.
    pub(super) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.begin_close(CloseCode::NORMAL, CloseReason::default());
        loop {
            if let Some(error) = self.write_error.take() {
                return Poll::Ready(Err(error));
            }
            match self.phase {
                Phase::Done => return Poll::Ready(Ok(())),
                // Messages that still come are not wanted any more.
                Phase::Open | Phase::Closing => {
                    if self.poll_stream(cx).is_ready() {
                        continue;
                    }
                }
                Phase::Failing | Phase::Finishing => {}
            }
            if self.driven {
                remember(&mut self.reader, cx.waker());
                self.wake_driver();
                return Poll::Pending;
            }
            let phase = self.phase;
            self.poll_upkeep(cx);
            if self.phase == phase {
                return Poll::Pending;
            }
        }
    }

    /// Begins the closing handshake, unless it has begun.
    pub(super) fn begin_close(&mut self, code: CloseCode, reason: CloseReason) {
        if self.phase == Phase::Open {
            self.close = Some(code.frame(reason));
            self.start_closing();
        }
    }

    /// Nobody will read any more; `code` tells the peer.
    pub(super) fn abandon(&mut self, code: CloseCode) {
        self.abandoned.get_or_insert(code);
        self.begin_close(code, CloseReason::default());
        self.wake_driver();
    }

    pub(super) fn add_sender(&mut self) {
        self.senders += 1;
    }

    /// Without senders there is nothing more to say.
    pub(super) fn remove_sender(&mut self) {
        self.senders -= 1;
        if self.senders == 0 {
            self.begin_close(CloseCode::NORMAL, CloseReason::default());
            self.wake_driver();
        }
    }

    /// The driver is about to poll the handler.
    pub(super) fn cork(&mut self, driver: &Waker) {
        remember(&mut self.driver, driver);
        self.corking = true;
    }

    /// The handler waits, or is done: what it sent goes out, and the rest of the driver's work is done.
    ///
    /// Ready when the connection is over; then [`is_dropped`](Self::is_dropped) tells whether the handler is, too.
    pub(super) fn uncork(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.corking = false;
        loop {
            let phase = self.phase;
            if phase == Phase::Done {
                return Poll::Ready(());
            }
            let nobody_reads = self.abandoned.is_some() || self.peer_closed;
            if phase == Phase::Closing && nobody_reads {
                while let Poll::Ready(Some(_)) = self.poll_stream(cx) {}
            }
            self.poll_upkeep(cx);
            if self.phase == phase {
                return Poll::Pending;
            }
            self.wake_reader();
        }
    }

    /// What has to be done beside reading: shutdown, writing, timers, the end.
    fn poll_upkeep(&mut self, cx: &mut Context<'_>) {
        self.poll_stages(cx);
        match self.phase {
            Phase::Open | Phase::Closing => {
                if self.unflushed || self.close.is_some() {
                    let _ = self.poll_out(cx);
                }
            }
            Phase::Failing => {
                if self.poll_out(cx).is_ready() {
                    return self.finish();
                }
            }
            Phase::Finishing => {
                if self.poll_finish(cx).is_ready() {
                    return self.end();
                }
            }
            Phase::Done => return,
        }
        let _ = if self.phase == Phase::Open { self.poll_timers(cx) } else { self.poll_deadline(cx) };
    }

    /// Follows the shutdown.
    fn poll_stages(&mut self, cx: &mut Context<'_>) {
        while let Some(permit) = &mut self.permit {
            match permit.poll_shutdown(cx) {
                Poll::Ready(Stage::Running | Stage::Draining) => {
                    self.begin_close(CloseCode::GOING_AWAY, CloseReason::default());
                }
                Poll::Ready(Stage::Dropping) => {
                    self.dropped = true;
                    self.end();
                }
                Poll::Pending => return,
            }
        }
    }

    /// Pings a silent peer, gives up one that stays silent, and gives grown buffers back.
    fn poll_timers(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.transport().take_heard() {
            let now = Instant::now();
            self.keepalive.heard(now);
            if self.transport().take_largest() > LARGE {
                self.shrink_at.get_or_insert(now + SHRINK_AFTER);
            }
        }
        loop {
            let keepalive = self.keepalive.next();
            let Some(at) = self.shrink_at.into_iter().chain(keepalive.map(|(at, _)| at)).min() else {
                return Poll::Pending;
            };
            ready!(self.timer.poll(cx, at));
            if self.shrink_at == Some(at) {
                self.shrink_at = (!self.shrink()).then(|| Instant::now() + SHRINK_AFTER);
                continue;
            }
            match keepalive {
                Some((_, Due::Ping)) => {
                    self.keepalive.pinged(Instant::now());
                    let _ = self.write(Message::Ping(Bytes::new()));
                    let _ = self.poll_out(cx);
                }
                // An application that does not read leaves the answer lying in the socket.
                _ if self.transport().poll_peek(cx).is_ready() => {
                    self.transport().take_heard();
                    self.keepalive.heard(Instant::now());
                    self.wake_reader();
                }
                _ => {
                    let silent = "the peer did not answer a ping in time";
                    self.read_error = Some(io::Error::new(io::ErrorKind::TimedOut, silent).into());
                    self.close = Some(CloseCode::INTERNAL_ERROR.frame("keepalive timeout".into()));
                    let _ = self.poll_out(cx);
                    self.finish();
                    return Poll::Ready(());
                }
            }
        }
    }

    /// Gives grown buffers back, if nothing is in them: tungstenite keeps the largest that it ever needed.
    fn shrink(&mut self) -> bool {
        let is_idle = self.drained && !self.unflushed && self.transport().at_rest();
        if is_idle {
            if let Some(old) = self.stream.take() {
                self.stream = Some(stream(old.into_inner(), &self.config));
            }
            // The IO knows the old stream's wakers.
            self.wake_reader();
        }
        is_idle
    }

    /// Waits no longer than the end may take.
    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else { return Poll::Pending };
        ready!(self.timer.poll(cx, deadline));
        let _ = Pin::new(self.transport()).poll_shutdown(cx);
        self.end();
        Poll::Ready(())
    }

    /// Shuts our side down and reads until the peer has shut down its own.
    ///
    /// To close a socket in which something is still unread would reset the connection, and a reset overtakes the
    /// Close frame that the peer has not read yet.
    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.shut_down {
            let _ = ready!(Pin::new(self.transport()).poll_shutdown(cx));
            self.shut_down = true;
        }
        self.transport().poll_drain(cx)
    }

    fn start_closing(&mut self) {
        self.phase = Phase::Closing;
        self.start_deadline();
    }

    fn start_deadline(&mut self) {
        self.deadline.get_or_insert_with(|| Instant::now() + self.config.close_timeout);
    }

    /// Reading has failed.
    fn fail(&mut self, error: Error) {
        match closing::code_of(&error) {
            Some(code) if self.phase == Phase::Open => {
                self.waiting = None;
                self.fragments = None;
                self.close = Some(code.frame(CloseReason::default()));
                self.phase = Phase::Failing;
                self.start_deadline();
            }
            _ => self.finish(),
        }
        self.read_error = Some(error);
    }

    /// The frames are over.
    fn finish(&mut self) {
        self.close = None;
        self.phase = Phase::Finishing;
        self.start_deadline();
        self.wake_writers();
    }

    /// Nothing is done with the IO any more.
    fn end(&mut self) {
        self.phase = Phase::Done;
        self.close = None;
        self.permit = None;
        self.wake_writers();
    }

    /// Whether a message may be sent, and what to say if not.
    fn check_open(&mut self) -> Result<(), Error> {
        match (self.write_error.take(), self.phase) {
            (Some(error), _) => Err(error),
            (None, _) if self.write_failed => Err(Error::AlreadyClosed),
            (None, Phase::Open) => Ok(()),
            (None, Phase::Closing) => Err(ProtocolError::SendAfterClosing.into()),
            (None, _) => Err(Error::AlreadyClosed),
        }
    }

    pub(super) fn has_room(&mut self) -> bool {
        let written = self.transport().written() - self.written;
        self.waiting.is_none()
            && self.fragments.is_none()
            && self.sent.saturating_sub(written) < self.config.max_write_buffer_size as u64
    }

    /// [`poll_out`](Self::poll_out) for a task that may not be the driver's: that one goes on with what waits.
    fn poll_out_for(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Some(driver) = self.driver.take() else { return self.poll_out(cx) };
        let result = self.poll_out(&mut Context::from_waker(&driver));
        self.driver = Some(driver);
        if result.is_pending() && !self.writers.iter().any(|writer| writer.will_wake(cx.waker())) {
            self.writers.push(cx.waker().clone());
        }
        result
    }

    /// Writes out all that was sent, and then the Close.
    fn poll_out(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.write_failed {
            return Poll::Ready(Err(Error::AlreadyClosed));
        }
        let result = ready!(self.poll_frames(cx));
        self.unflushed = false;
        self.sent = 0;
        self.written = self.transport().written();
        if let Err(error) = result {
            self.write_failed = true;
            self.write_error = Some(error);
            self.waiting = None;
            self.fragments = None;
            self.close = None;
        }
        self.wake_writers();
        Poll::Ready(match self.write_error.take() {
            None => Ok(()),
            Some(error) => Err(error),
        })
    }

    fn poll_frames(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            if let Some(message) = self.waiting.take() {
                closed_is_fine(self.write(message))?;
            } else if self.fragments.is_some() {
                // One fragment at a time waits in tungstenite, so that a ping can overtake the others.
                closed_is_fine(ready!(Pin::new(self.stream()).poll_ready(cx)))?;
                match self.fragments.as_mut().and_then(Fragments::next) {
                    Some(fragment) => closed_is_fine(self.write(fragment))?,
                    None => self.fragments = None,
                }
                continue;
            }
            closed_is_fine(ready!(Pin::new(self.stream()).poll_flush(cx)))?;
            if self.waiting.is_some() {
                continue;
            }
            match self.close.take() {
                Some(frame) => closed_is_fine(self.write(Message::Close(Some(frame))))?,
                None => return Poll::Ready(Ok(())),
            }
        }
    }

    /// Gives tungstenite a message, or keeps it until there is room for it.
    fn write(&mut self, message: Message) -> Result<(), Error> {
        let len = message.len() as u64;
        if len > LARGE {
            self.shrink_at.get_or_insert_with(|| Instant::now() + SHRINK_AFTER);
        }
        self.unflushed = true;
        match Pin::new(self.stream()).start_send(message) {
            Ok(()) => {
                self.sent += len;
                Ok(())
            }
            Err(Error::WriteBufferFull(message)) if message.len() <= MAX_FRAME => {
                self.waiting = Some(*message);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

impl<IO> Connection<IO> {
    /// Whether messages may still be sent.
    pub(super) fn is_open(&self) -> bool {
        self.phase == Phase::Open && !self.write_failed
    }

    /// Whether a driver looks after the connection.
    pub(super) fn is_driven(&self) -> bool {
        self.driven
    }

    /// Whether the handler is to be dropped.
    pub(super) fn is_dropped(&self) -> bool {
        self.dropped
    }

    /// A driver looks after the connection from now on, or no longer does.
    pub(super) fn set_driven(&mut self, driven: bool) {
        self.driven = driven;
        if !driven {
            self.driver = None;
            self.corking = false;
            self.wake_reader();
            self.wake_writers();
        }
    }

    pub(super) fn wake_driver(&self) {
        // While the handler is polled, the driver is about to look at everything anyway.
        if let (Some(driver), false) = (&self.driver, self.corking) {
            driver.wake_by_ref();
        }
    }

    fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    fn wake_writers(&mut self) {
        for writer in self.writers.drain(..) {
            writer.wake();
        }
    }
}

fn remember(slot: &mut Option<Waker>, waker: &Waker) {
    match slot {
        Some(known) => known.clone_from(waker),
        None => *slot = Some(waker.clone()),
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

fn stream<IO: AsyncRead + AsyncWrite + Unpin>(
    transport: Transport<IO>,
    config: &Config,
) -> WebSocketStream<Transport<IO>> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(config.max_write_buffer_size + WRITE_BUFFER + 2 * MAX_FRAME)
        .max_message_size(Some(config.max_message_size))
        .max_frame_size(Some(config.max_frame_size));
    WebSocketStream::from_raw_socket(transport, Role::Server, Some(config))
        .now_or_never()
        .expect("there is no handshake to wait for")
}
