//! The state of a `Sink` between polls.

use std::{
    io::IoSlice,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite};
use tungstenite::Error;

use super::{
    connection::{Event, Urgency, Waiter, WaiterKey, WaiterKind},
    shared::Shared,
};

/// The state of a `Sink` between polls. It is boxed because most handles are not used as a `Sink`.
#[derive(Debug, Default)]
pub(super) struct SinkState(Option<Box<Waits>>);

#[derive(Debug, Default)]
struct Waits {
    ready: Option<WaiterKey>,
    flush: Option<WaiterKey>,
    /// The position that a flush waits for, which excludes messages that are sent meanwhile.
    position: Option<u64>,
}

impl SinkState {
    pub(super) fn poll_ready<IO>(
        &mut self,
        shared: &Shared<IO>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let waits = self.0.get_or_insert_default();
        let has_waited = waits.ready.is_some();
        let waiter = Waiter::Other(WaiterKind::Sink, Event::Space, &mut waits.ready);
        shared.poll(cx.waker(), waiter, |connection, _| connection.poll_ready(has_waited))
    }

    /// Writes bytes of a stream. They are sent when the handler's task yields, or soon.
    pub(super) fn poll_write<IO>(
        &mut self,
        shared: &Arc<Shared<IO>>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize, Error>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let waits = self.0.get_or_insert_default();
        let has_waited = waits.ready.is_some();
        let waiter = Waiter::Other(WaiterKind::Sink, Event::Space, &mut waits.ready);
        let waker = cx.waker();
        let polled = shared.poll(waker, waiter, |connection, _| {
            let written = ready!(connection.poll_write(slices, has_waited));
            Poll::Ready(written.map(|written| (written, connection.cork(waker))))
        });
        let (written, urgency) = ready!(polled)?;
        self.message_sent();
        match urgency {
            Urgency::Corked => {}
            Urgency::Overdue => drop(shared.write(shared.lock())),
            Urgency::Direct => shared.write_soon(),
        }
        Poll::Ready(Ok(written))
    }

    /// Notes that a message is sent. The next flush waits for it, even if an earlier flush was
    /// dropped.
    pub(super) fn message_sent(&mut self) {
        if let Some(waits) = &mut self.0 {
            waits.position = None;
        }
    }

    pub(super) fn poll_flush<IO>(
        &mut self,
        shared: &Shared<IO>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let waits = self.0.get_or_insert_default();
        let position = *waits.position.get_or_insert_with(|| shared.lock().accepted());
        let waiter = Waiter::Other(WaiterKind::Sink, Event::Written(position), &mut waits.flush);
        let polled = shared.poll(cx.waker(), waiter, |connection, _| connection.poll_written(position));
        if polled.is_ready() {
            waits.position = None;
        }
        polled
    }

    /// Waits until this side's Close is written. Receiving continues until the peer's Close.
    pub(super) fn poll_close<IO>(
        &mut self,
        shared: &Shared<IO>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let waits = self.0.get_or_insert_default();
        let waiter = Waiter::Other(WaiterKind::Sink, Event::Written(u64::MAX), &mut waits.flush);
        shared.poll(cx.waker(), waiter, |connection, deferred| connection.poll_close_written(deferred))
    }

    /// Removes the waiters.
    pub(super) fn remove_waiters<IO>(&mut self, shared: &Shared<IO>) {
        if let Some(waits) = self.0.take() {
            shared.with(|connection, deferred| {
                connection.cancel_waiting(waits.ready, deferred);
                connection.cancel_waiting(waits.flush, deferred);
            });
        }
    }
}
