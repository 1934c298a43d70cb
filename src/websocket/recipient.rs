//! A socket of any IO type that can receive broadcasts.

use std::{fmt, future::Future, pin::Pin, sync::Arc, task::Poll, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime,
};
use tungstenite::Message;

use super::{
    broadcast::Broadcast,
    connection::{Compress, Event},
    handle::code_of_drop,
    operations::NoSpace,
    shared::{Act, Shared},
};
use crate::close::{CloseCode, CloseReason};

/// A socket of any IO type. Unlike a sender, it does not keep the connection open.
#[derive(Clone)]
pub(crate) struct Recipient(Arc<dyn AnySocket>);

/// The result of posting a message to one socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Posted {
    Queued,
    /// The write buffer is full.
    Full,
    /// The connection is closing or closed, or the message cannot be sent on any socket.
    Closed,
}

impl Recipient {
    pub(super) fn new<IO>(shared: Arc<Shared<IO>>) -> Self
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        Self(shared)
    }

    /// Queues a message if there is space in the write buffer, or if writing makes some, and
    /// schedules a write. A Close is always queued while the connection is open.
    pub(crate) fn post(&self, broadcast: &mut Broadcast) -> Posted {
        let (posted, home) = self.0.post(broadcast);
        if let Some(home) = home {
            Arc::clone(&self.0).deliver(home);
        }
        posted
    }

    /// Returns `true` if the socket may send the message, as long as it is open.
    pub(crate) fn may_send(&self, message: &Message) -> bool {
        // Every text or binary message is valid.
        matches!(message, Message::Text(_) | Message::Binary(_)) || self.0.may_send(message)
    }

    /// Returns the runtime of the socket's driver, if there is a driver.
    pub(crate) fn home(&self) -> Option<runtime::Handle> {
        self.0.home()
    }

    /// Returns for how long the IO has accepted no data although some is waiting to be written.
    pub(crate) fn stalled(&self) -> Option<Duration> {
        self.0.stalled()
    }

    /// Begins to close.
    pub(crate) fn close(&self, code: CloseCode, reason: CloseReason) {
        Arc::clone(&self.0).close(code, reason);
    }

    /// Waits until there is space for a message. Returns `false` once the connection is closing.
    ///
    /// If no message is [posted](Self::post) after this, call
    /// [`pass_space_on`](Self::pass_space_on).
    pub(crate) fn space(&self) -> Pin<Box<dyn Future<Output = bool> + Send>> {
        Arc::clone(&self.0).space()
    }

    /// Wakes the next sender that waits for space.
    pub(crate) fn pass_space_on(&self) {
        self.0.pass_space_on();
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recipient").finish_non_exhaustive()
    }
}

/// Counts as a sender of its socket until it is dropped.
#[derive(Debug)]
pub(crate) struct SenderGuard(Recipient);

impl SenderGuard {
    pub(crate) fn new(recipient: Recipient) -> Self {
        recipient.0.add_sender();
        Self(recipient)
    }
}

impl Drop for SenderGuard {
    fn drop(&mut self) {
        self.0.0.remove_sender(code_of_drop());
    }
}

/// The operations of a connection that a [`Recipient`] uses, without its IO type.
trait AnySocket: Send + Sync {
    /// Queues a message. Returns the runtime in which the message has to be
    /// [delivered](Self::deliver), if any.
    fn post(&self, broadcast: &mut Broadcast) -> (Posted, Option<runtime::Id>);
    fn deliver(self: Arc<Self>, home: runtime::Id);
    fn may_send(&self, message: &Message) -> bool;
    fn home(&self) -> Option<runtime::Handle>;
    fn stalled(&self) -> Option<Duration>;
    fn close(self: Arc<Self>, code: CloseCode, reason: CloseReason);
    fn space(self: Arc<Self>) -> Pin<Box<dyn Future<Output = bool> + Send>>;
    fn pass_space_on(&self);
    fn add_sender(&self);
    fn remove_sender(&self, code: CloseCode);
}

impl<IO: AsyncRead + AsyncWrite + Send + Unpin + 'static> AnySocket for Shared<IO> {
    fn post(&self, broadcast: &mut Broadcast) -> (Posted, Option<runtime::Id>) {
        loop {
            let mut locked = match self.lock_with_space() {
                Ok(locked) => locked,
                // As with `Sender::close`, a Close needs no space.
                Err(NoSpace::Full) if broadcast.message().is_close() => self.lock(),
                Err(NoSpace::Full) => return (Posted::Full, None),
                Err(NoSpace::Closed) => return (Posted::Closed, None),
            };
            let message = broadcast.message();
            let (connection, deferred) = locked.parts();
            let compress = match connection.standalone(message) {
                None => Compress::Negotiated,
                Some(standalone) => match broadcast.compressed(standalone) {
                    Some(Some(compressed)) => {
                        connection.send_compressed(message.len(), compressed.clone(), deferred);
                        return (Posted::Queued, self.begin_writing(locked));
                    }
                    // Compression does not make it smaller.
                    Some(None) => Compress::Never,
                    None => {
                        // Outside of the lock, because compression may take long.
                        drop(locked);
                        broadcast.compress(standalone);
                        continue;
                    }
                },
            };
            if connection.send_now(message, broadcast.frame(), compress, deferred).is_none() {
                if self.start_send_with(locked, message.clone(), compress).is_err() {
                    return (Posted::Closed, None);
                }
                locked = self.lock();
            }
            return (Posted::Queued, self.begin_writing(locked));
        }
    }

    fn deliver(self: Arc<Self>, home: runtime::Id) {
        self.act(Act::Deliver(home));
    }

    fn may_send(&self, message: &Message) -> bool {
        self.lock().is_valid(message)
    }

    fn home(&self) -> Option<runtime::Handle> {
        self.lock().home().cloned()
    }

    fn stalled(&self) -> Option<Duration> {
        Self::stalled(self)
    }

    fn close(self: Arc<Self>, code: CloseCode, reason: CloseReason) {
        self.begin_close(Some(code), reason);
    }

    fn space(self: Arc<Self>) -> Pin<Box<dyn Future<Output = bool> + Send>> {
        Box::pin(async move {
            self.wait(Event::Space, |connection, _| match connection.is_open() {
                true if connection.has_space() => Poll::Ready(true),
                true => Poll::Pending,
                false => Poll::Ready(false),
            })
            .await
        })
    }

    fn pass_space_on(&self) {
        self.with(|connection, deferred| connection.pass_space_on(deferred));
    }

    fn add_sender(&self) {
        self.with(|connection, _| connection.add_sender());
    }

    fn remove_sender(&self, code: CloseCode) {
        self.with(|connection, deferred| connection.remove_sender(code, deferred));
    }
}
