//! A message that is being sent.

use std::{
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite};
use tungstenite::{Error, Message};

use super::{
    connection::{Accepted, Compress, Event, Kind, Place, Seat, Urgency},
    shared::Shared,
};

/// A message that is being sent: waits for space, is compressed outside of the lock, and is queued.
///
/// As a future, it completes once the message is queued. Unless the write may be delayed, it also
/// waits until the message is written.
pub(super) struct Sending<'a, IO> {
    shared: &'a Shared<IO>,
    place: Option<Place>,
    compress: Compress,
    next: Next,
    stage: Stage,
}

enum Stage {
    Unsent(Message),
    /// Queued at this position.
    Queued(u64),
}

/// The next step for a message that is not queued yet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Try to copy it into the outbox, which is enough for most messages.
    Copy,
    /// Wait for space.
    Room,
    /// Wait for the compressor, which another sender uses.
    Compressor,
}

/// The position of a queued message.
pub(super) struct Queued {
    position: u64,
    /// When the message has to be written.
    pub(super) urgency: Urgency,
}

impl<'a, IO: AsyncRead + AsyncWrite + Unpin> Sending<'a, IO> {
    pub(super) fn new(shared: &'a Shared<IO>, message: Message, compress: Compress) -> Self {
        Self { shared, place: None, compress, next: Next::Copy, stage: Stage::Unsent(message) }
    }

    /// Ready when the message is queued.
    pub(super) fn poll_queued(&mut self, cx: &mut Context<'_>) -> Poll<Result<Queued, Error>> {
        if let (Next::Copy, Stage::Unsent(message)) = (self.next, &self.stage) {
            self.next = Next::Room;
            let mut locked = self.shared.lock();
            let (connection, deferred) = locked.parts();
            if let Some(position) = connection.send_now(message, None, self.compress, deferred) {
                let urgency = connection.urgency(cx.waker());
                // The message's destructor must not run under the lock.
                drop(locked);
                self.stage = Stage::Queued(position);
                return Poll::Ready(Ok(Queued { position, urgency }));
            }
        }
        loop {
            let Stage::Unsent(message) = mem::replace(&mut self.stage, Stage::Queued(0)) else {
                unreachable!("a message is queued once");
            };
            let event = if self.next == Next::Compressor { Event::Compressor } else { Event::Room };
            let mut message = Some(message);
            let compress = self.compress;
            let seat = Seat::Waiter(Kind::Future, event, &mut self.place);
            let waker = cx.waker();
            let polled = self.shared.poll(waker, seat, |connection, deferred| {
                if event == Event::Room {
                    ready!(connection.poll_ready())?;
                }
                let taken = message.take().expect("it is put back unless it is accepted");
                let accepted = match connection.start_send(taken, compress, deferred) {
                    Ok(Accepted::Busy(taken)) if event == Event::Compressor => {
                        message = Some(taken);
                        return Poll::Pending;
                    }
                    accepted => accepted,
                };
                Poll::Ready(accepted.map(|accepted| (accepted, connection.urgency(waker))))
            });
            let (accepted, urgency) = match polled {
                Poll::Ready(accepted) => accepted?,
                Poll::Pending => {
                    let message = message.expect("it is put back unless it is accepted");
                    self.stage = Stage::Unsent(message);
                    return Poll::Pending;
                }
            };
            match accepted {
                Accepted::Queued(position) => return Poll::Ready(Ok(Queued { position, urgency })),
                Accepted::Busy(message) => {
                    self.next = Next::Compressor;
                    self.stage = Stage::Unsent(message);
                }
                Accepted::ToCompress(message, compressor) => {
                    let position = self.shared.compress(message, compressor)?;
                    let urgency = self.shared.with(|connection, _| connection.urgency(waker));
                    return Poll::Ready(Ok(Queued { position, urgency }));
                }
            }
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Future for Sending<'_, IO> {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let position = match self.stage {
            Stage::Queued(position) => position,
            _ => {
                let queued = ready!(self.poll_queued(cx))?;
                match queued.urgency {
                    Urgency::Corked => return Poll::Ready(Ok(())),
                    Urgency::Overdue => {
                        drop(self.shared.write(self.shared.lock()));
                        return Poll::Ready(Ok(()));
                    }
                    Urgency::Direct => {}
                }
                self.stage = Stage::Queued(queued.position);
                queued.position
            }
        };
        let Self { shared, place, .. } = &mut *self;
        let seat = Seat::Waiter(Kind::Future, Event::Written(position), place);
        shared.poll(cx.waker(), seat, |connection, _| connection.poll_written(position))
    }
}

impl<IO> Drop for Sending<'_, IO> {
    fn drop(&mut self) {
        if self.place.is_some() {
            self.shared.with(|connection, deferred| connection.stand_up(self.place, deferred));
        }
    }
}
