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
    connection::{Compress, Event, SendStep, Urgency, Waiter, WaiterKey, WaiterKind},
    shared::Shared,
};

/// A message that is being sent: waits for space, is compressed outside of the lock, and is queued.
///
/// As a future, it completes once the message is queued. Unless the write may be delayed, it also
/// waits until the message is written.
///
/// Whether it may be compressed is part of the type to make it smaller, because every handler that
/// sends contains one.
pub(super) struct Sending<'a, IO, const COMPRESS: bool> {
    shared: &'a Shared<IO>,
    /// `None` until it waits for the first time.
    key: Option<WaiterKey>,
    stage: SendStage,
}

enum SendStage {
    Unsent(Message),
    /// Queued at this position.
    Queued(u64),
}

/// The position of a queued message.
pub(super) struct Queued {
    position: u64,
    /// When the message has to be written.
    pub(super) urgency: Urgency,
}

impl<'a, IO> Sending<'a, IO, true> {
    /// Sends a message that is compressed if this was negotiated.
    pub(super) fn new(shared: &'a Shared<IO>, message: Message) -> Self {
        Self { shared, key: None, stage: SendStage::Unsent(message) }
    }
}

impl<'a, IO> Sending<'a, IO, false> {
    pub(super) fn uncompressed(shared: &'a Shared<IO>, message: Message) -> Self {
        Self { shared, key: None, stage: SendStage::Unsent(message) }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin, const COMPRESS: bool> Sending<'_, IO, COMPRESS> {
    const COMPRESS: Compress = if COMPRESS { Compress::Negotiated } else { Compress::Never };

    /// Ready when the message is queued.
    pub(super) fn poll_queued(&mut self, cx: &mut Context<'_>) -> Poll<Result<Queued, Error>> {
        // At first, tries to copy the message into the outbox, which is enough for most messages.
        if let (None, SendStage::Unsent(message)) = (self.key, &self.stage) {
            let mut locked = self.shared.lock();
            let (connection, deferred) = locked.parts();
            let sent = match connection.has_sent_enough() {
                true => None,
                false => connection.send_now(message, None, Self::COMPRESS, deferred),
            };
            if let Some(position) = sent {
                let urgency = connection.cork(cx.waker());
                // The message's destructor must not run under the lock.
                drop(locked);
                self.stage = SendStage::Queued(position);
                return Poll::Ready(Ok(Queued { position, urgency }));
            }
        }
        let mut event = match self.key.map(WaiterKey::event) {
            Some(Event::Compressor) => Event::Compressor,
            _ => Event::Space,
        };
        loop {
            let SendStage::Unsent(message) = mem::replace(&mut self.stage, SendStage::Queued(0)) else {
                unreachable!("a message is queued once");
            };
            let mut message = Some(message);
            let has_waited = self.key.is_some();
            let waiter = Waiter::Other(WaiterKind::Future, event, &mut self.key);
            let waker = cx.waker();
            let polled = self.shared.poll(waker, waiter, |connection, deferred| {
                if event == Event::Space {
                    ready!(connection.poll_ready(has_waited))?;
                }
                let taken = message.take().expect("it is put back unless it is accepted");
                let accepted = match connection.start_send(taken, Self::COMPRESS, deferred) {
                    Ok(SendStep::Busy(taken)) if event == Event::Compressor => {
                        message = Some(taken);
                        return Poll::Pending;
                    }
                    accepted => accepted,
                };
                Poll::Ready(accepted.map(|accepted| (accepted, connection.cork(waker))))
            });
            let (accepted, urgency) = match polled {
                Poll::Ready(accepted) => accepted?,
                Poll::Pending => {
                    let message = message.expect("it is put back unless it is accepted");
                    self.stage = SendStage::Unsent(message);
                    return Poll::Pending;
                }
            };
            match accepted {
                SendStep::Queued(position) => return Poll::Ready(Ok(Queued { position, urgency })),
                SendStep::Busy(message) => {
                    // Another sender uses the compressor.
                    event = Event::Compressor;
                    self.stage = SendStage::Unsent(message);
                }
                SendStep::ToCompress(message, compressor) => {
                    let position = self.shared.compress(message, compressor)?;
                    let urgency = self.shared.with(|connection, _| connection.cork(waker));
                    return Poll::Ready(Ok(Queued { position, urgency }));
                }
            }
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin, const COMPRESS: bool> Future for Sending<'_, IO, COMPRESS> {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let position = match self.stage {
            SendStage::Queued(position) => position,
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
                self.stage = SendStage::Queued(queued.position);
                queued.position
            }
        };
        let Self { shared, key, .. } = &mut *self;
        let waiter = Waiter::Other(WaiterKind::Future, Event::Written(position), key);
        shared.poll(cx.waker(), waiter, |connection, _| connection.poll_written(position))
    }
}

impl<IO, const COMPRESS: bool> Drop for Sending<'_, IO, COMPRESS> {
    fn drop(&mut self) {
        if self.key.is_some() {
            self.shared.with(|connection, deferred| connection.cancel_waiting(self.key, deferred));
        }
    }
}
