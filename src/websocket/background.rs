//! Drivers for connections without one.

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime,
};

use super::{
    connection::Connection,
    delivery::{Deliver, deliver},
    driver::{begin_turn, poll_over},
    negotiated::Negotiated,
    rescue::rescue,
    shared::{Act, Shared},
};
use crate::close::CloseCode;

/// Returns a shared connection, which gets a background driver when nothing else drives it.
pub(super) fn share<IO>(io: IO, unread: &[u8], mut negotiated: Negotiated) -> Arc<Shared<IO>>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (id, protocol) = (negotiated.id, negotiated.protocol.take());
    Shared::new(Connection::new(io, unread, negotiated), id, protocol, |shared, act| match act {
        Act::EndReading(code) => on_reader_dropped(shared, code),
        Act::EnsureDriven => ensure_driven(shared),
        Act::Deliver(home) => deliver(Arc::clone(shared) as _, home),
        Act::Rescue => rescue(shared),
    })
}

/// Begins the closing handshake, and ensures that a driver completes it.
fn on_reader_dropped<IO>(shared: &Arc<Shared<IO>>, code: CloseCode)
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    shared.with(|connection, deferred| connection.on_reader_dropped(code, deferred));
    ensure_driven(shared);
}

/// Spawns a background driver if the connection has no driver. Outside of a runtime this is
/// impossible: then a connection without a reader writes as much as it can at once, and ends.
fn ensure_driven<IO>(shared: &Arc<Shared<IO>>)
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    if shared.with(|connection, _| connection.is_over() || connection.is_driven()) {
        return;
    }
    match runtime::Handle::try_current() {
        Ok(runtime) => drop(runtime.spawn(Background::new(Arc::clone(shared)))),
        // The reader drives the connection from now on.
        Err(_) if !shared.with(|connection, _| connection.is_orphaned()) => {}
        Err(_) => shared.end_now(),
    }
}

/// A driver for a connection whose handler is gone. If it is dropped, no other driver takes its
/// place, because a runtime that shuts down drops every task that is spawned on it. A connection
/// that has no reader is then ended: otherwise its senders would keep it open.
pub(super) struct Background<IO: AsyncRead + AsyncWrite + Unpin> {
    shared: Arc<Shared<IO>>,
    has_begun: bool,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Background<IO> {
    pub(super) fn new(shared: Arc<Shared<IO>>) -> Self {
        shared.with(|connection, _| connection.begin_driving());
        Self { shared, has_begun: false }
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Future for Background<IO> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if !mem::replace(&mut self.has_begun, true) {
            begin_turn(&self.shared, cx);
        }
        poll_over(&self.shared, cx, false).map(drop)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Drop for Background<IO> {
    fn drop(&mut self) {
        let is_orphaned = self.shared.with(|connection, deferred| {
            connection.end_driving(deferred);
            connection.is_orphaned()
        });
        if is_orphaned && std::thread::panicking() {
            self.shared.with(|connection, deferred| connection.abort(deferred));
        } else if is_orphaned {
            self.shared.end_now();
        }
    }
}

impl<IO: AsyncRead + AsyncWrite + Send + Unpin> Deliver for Shared<IO> {
    fn write(&self) {
        let mut locked = self.lock();
        locked.end_delivery();
        drop(Shared::write(self, locked));
    }

    fn defer_to_driver(&self) {
        let mut locked = self.lock();
        let (connection, deferred) = locked.parts();
        connection.end_delivery();
        connection.wake_driver(deferred);
        // A driver whose handler blocks its thread is not polled, and one that has ended with its
        // runtime is missing.
        if connection.turn().is_some() || !connection.is_driven() {
            drop(Shared::write(self, locked));
        }
    }
}
