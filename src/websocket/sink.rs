//! What a handle that is a `Sink` remembers from one poll to the next.

use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite};
use tungstenite::Error;

use super::{
    connection::{Event, Kind, Place, Seat},
    shared::Shared,
};

/// What a handle that is a `Sink` remembers from one poll to the next.
#[derive(Debug, Default)]
pub(super) struct SinkState {
    ready: Option<Place>,
    flush: Option<Place>,
    /// The position that a flush waits for: not what others send meanwhile.
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
        let seat = Seat::Waiter(Kind::Sink, Event::Room, &mut self.ready);
        shared.poll(cx.waker(), seat, |connection, _| connection.poll_ready())
    }

    pub(super) fn poll_flush<IO>(
        &mut self,
        shared: &Shared<IO>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let position = *self.position.get_or_insert_with(|| shared.lock().accepted());
        let seat = Seat::Waiter(Kind::Sink, Event::Written(position), &mut self.flush);
        let polled = shared.poll(cx.waker(), seat, |connection, _| connection.poll_written(position));
        if polled.is_ready() {
            self.position = None;
        }
        polled
    }

    /// Waits until this side's Close is written; the other half receives until the peer's.
    pub(super) fn poll_close<IO>(
        &mut self,
        shared: &Shared<IO>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let seat = Seat::Waiter(Kind::Sink, Event::Written(u64::MAX), &mut self.flush);
        shared.poll(cx.waker(), seat, |connection, deferred| connection.poll_close_written(deferred))
    }

    /// Gives the places back.
    pub(super) fn leave<IO>(&mut self, shared: &Shared<IO>) {
        if self.ready.is_some() || self.flush.is_some() {
            shared.with(|connection, deferred| {
                connection.stand_up(self.ready.take(), deferred);
                connection.stand_up(self.flush.take(), deferred);
            });
        }
    }
}
