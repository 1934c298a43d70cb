//! The operations that the handles of a connection share.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime,
};
use tungstenite::{Error, Message};

use super::{
    connection::{
        Attached, Compress, Compressed, Connection, Deferred, Event, Locked, SendStep, Waiter, WaiterKey,
        WaiterKind,
    },
    shared::{Act, Shared},
    try_send_error::TrySendError,
};
use crate::close::{CloseCode, CloseReason};
use crate::deflate::Deflater;

impl<IO: AsyncRead + AsyncWrite + Unpin> Shared<IO> {
    /// Waits for an operation. The waiter is removed when the future is dropped.
    pub(super) async fn wait<T>(
        &self,
        event: Event,
        mut operation: impl FnMut(&mut Connection<IO>, &mut Deferred) -> Poll<T>,
    ) -> T {
        let mut waiting = Waiting { shared: self, key: None };
        poll_fn(|cx| {
            let waiter = Waiter::Other(WaiterKind::Future, event, &mut waiting.key);
            self.lock.poll(cx.waker(), waiter, &mut operation)
        })
        .await
    }

    pub(super) fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        self.lock.poll(cx.waker(), Waiter::Reader, |connection, deferred| connection.poll_recv(deferred))
    }

    /// Polls for the next message, or for the next piece of one, for a byte stream.
    pub(super) fn poll_bytes(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        self.lock.poll(cx.waker(), Waiter::Reader, |connection, deferred| connection.poll_bytes(deferred))
    }

    pub(super) fn recv(self: &Arc<Self>) -> Receiving<'_, IO> {
        Receiving { shared: self, waits: false }
    }

    pub(super) async fn recv_data(self: &Arc<Self>) -> Option<Result<Message, Error>> {
        loop {
            match self.recv().await {
                Some(Ok(message)) if !matches!(message, Message::Text(_) | Message::Binary(_)) => {}
                received => return received,
            }
        }
    }

    /// Waits until everything that was sent before is written.
    pub(super) async fn flush(&self) -> Result<(), Error> {
        let position = self.lock().accepted();
        self.wait(Event::Written(position), |connection, _| connection.poll_written(position)).await
    }

    /// Begins to close, and schedules the write of the Close.
    pub(super) fn begin_close(self: &Arc<Self>, code: Option<CloseCode>, reason: CloseReason) {
        self.with(|connection, deferred| {
            connection.begin_close(code, reason, deferred);
            connection.wake_driver(deferred);
        });
        self.write_soon();
    }

    /// Begins to close, and waits until the connection is over.
    pub(super) async fn close(&self, code: Option<CloseCode>, reason: CloseReason) -> Result<(), Error> {
        self.with(|connection, deferred| connection.begin_close(code, reason, deferred));
        let closing = ClosingGuard(self);
        let closed = self.wait(Event::Over, |connection, deferred| connection.poll_close(deferred)).await;
        drop(closing);
        closed
    }

    /// Waits until messages can no longer be sent.
    pub(super) async fn closed(&self) {
        self.wait(
            Event::Closed,
            |connection, _| if connection.is_open() { Poll::Pending } else { Poll::Ready(()) },
        )
        .await;
    }

    pub(super) fn stalled(&self) -> Option<Duration> {
        let since = self.lock().blocked_since()?;
        Some(since.elapsed())
    }

    /// Locks the connection if there is space for another message, or if writing makes some.
    pub(super) fn lock_with_space(&self) -> Result<Locked<'_, IO>, NoSpace> {
        let mut locked = self.lock();
        if locked.is_open() && !locked.has_space() {
            locked = self.lock.write(locked);
        }
        match locked.is_open() {
            false => Err(NoSpace::Closed),
            true if locked.may_have_space() => Ok(locked),
            true => Err(NoSpace::Full),
        }
    }

    /// Sends a message if there is space in the write buffer, or if writing makes some.
    pub(super) fn try_send(
        self: &Arc<Self>,
        message: Message,
        compress: Compress,
    ) -> Result<(), TrySendError> {
        let locked = match self.lock_with_space() {
            Ok(locked) => locked,
            Err(NoSpace::Full) => return Err(TrySendError::Full(message)),
            Err(NoSpace::Closed) => return Err(TrySendError::Closed(message)),
        };
        self.start_send_with(locked, message, compress).map_err(TrySendError::Failed)?;
        self.write_soon();
        Ok(())
    }

    /// Queues a message even if the write buffer is full, as a `Sink` does.
    pub(super) fn start_send(&self, message: Message) -> Result<(), Error> {
        self.start_send_with(self.lock(), message, Compress::Negotiated)
    }

    pub(super) fn start_send_with(
        &self,
        mut locked: Locked<'_, IO>,
        message: Message,
        compress: Compress,
    ) -> Result<(), Error> {
        let (connection, deferred) = locked.parts();
        match connection.start_send(message, compress, deferred)? {
            SendStep::Queued(_) => {}
            SendStep::ToCompress(message, compressor) => {
                drop(locked);
                self.compress(message, compressor)?;
            }
            // This function cannot wait, and any message may be sent uncompressed (RFC 7692 §6).
            SendStep::Busy(message) => drop(connection.start_send(message, Compress::Never, deferred)?),
        }
        Ok(())
    }

    /// Compresses a message outside of the lock, because this may take long.
    pub(super) fn compress(&self, message: Message, mut compressor: Deflater) -> Result<u64, Error> {
        let compressed =
            compressor.compress(&message).map(|(opcode, payload)| Compressed { opcode, payload });
        self.with(|connection, deferred| {
            connection.accept_compressed(message, compressed, compressor, deferred)
        })
    }

    /// Schedules a write of the queued messages, on a task that writes for many connections.
    pub(super) fn write_soon(self: &Arc<Self>) {
        if let Some(home) = self.begin_writing(self.lock()) {
            self.act(Act::Deliver(home));
        }
    }

    /// Schedules a write of the queued messages, or writes them now. Returns the runtime in which
    /// they have to be delivered, if any.
    pub(super) fn begin_writing(&self, mut locked: Locked<'_, IO>) -> Option<runtime::Id> {
        if locked.cork_turn() {
            // A task that is spawned here may not run until the handler yields.
            drop(self.lock.write(locked));
            return None;
        }
        let (connection, deferred) = locked.parts();
        connection.begin_delivery(deferred)
    }

    /// Calls `f` with the IO once no other task uses it.
    pub(super) async fn with_io<R>(&self, f: impl FnOnce(&IO) -> R) -> Option<R> {
        let mut waiting = Waiting { shared: self, key: None };
        let mut f = Some(f);
        poll_fn(|cx| {
            let waiter = Waiter::Other(WaiterKind::Future, Event::Link, &mut waiting.key);
            self.lock.poll_io(cx.waker(), waiter, |io| f.take().map(|f| f(io)))
        })
        .await?
    }

    /// Takes the IO out of the connection.
    pub(super) async fn detach(&self) -> Result<(IO, Vec<u8>), Attached> {
        let mut waiting = Waiting { shared: self, key: None };
        poll_fn(|cx| {
            let waiter = Waiter::Other(WaiterKind::Future, Event::Written(u64::MAX), &mut waiting.key);
            self.lock.poll_detach(cx.waker(), waiter)
        })
        .await
    }
}

/// Why a message cannot be sent without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoSpace {
    /// The write buffer is full.
    Full,
    /// The connection is closing or closed.
    Closed,
}

/// A waiter that is removed on drop.
struct Waiting<'a, IO> {
    shared: &'a Shared<IO>,
    key: Option<WaiterKey>,
}

impl<IO> Drop for Waiting<'_, IO> {
    fn drop(&mut self) {
        if self.key.is_some() {
            self.shared.with(|connection, deferred| connection.cancel_waiting(self.key, deferred));
        }
    }
}

/// The reader while it waits. Dropping this removes the waiter.
pub(super) struct Receiving<'a, IO> {
    shared: &'a Arc<Shared<IO>>,
    waits: bool,
}

impl<'a, IO> Receiving<'a, IO> {
    pub(super) fn shared(&self) -> &'a Arc<Shared<IO>> {
        self.shared
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Receiving<'_, IO> {
    /// Polls an operation that receives messages.
    pub(super) fn poll_with<T>(
        &mut self,
        cx: &mut Context<'_>,
        operation: impl FnMut(&mut Connection<IO>, &mut Deferred) -> Poll<T>,
    ) -> Poll<T> {
        let polled = self.shared.poll(cx.waker(), Waiter::Reader, operation);
        self.waits = polled.is_pending();
        polled
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Future for Receiving<'_, IO> {
    type Output = Option<Result<Message, Error>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_with(cx, |connection, deferred| connection.poll_recv(deferred))
    }
}

impl<IO> Drop for Receiving<'_, IO> {
    fn drop(&mut self) {
        if self.waits {
            let is_unseen = self.shared.with(|connection, deferred| connection.cancel_reading(deferred));
            if is_unseen {
                self.shared.act(Act::Rescue);
            }
        }
    }
}

/// A task that waits for the closing handshake. Meanwhile, received messages are discarded.
struct ClosingGuard<'a, IO>(&'a Shared<IO>);

impl<IO> Drop for ClosingGuard<'_, IO> {
    fn drop(&mut self) {
        self.0.with(|connection, _| connection.leave_close());
    }
}
