//! An accepted request on its way to a WebSocket.

use std::{
    any::Any,
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use hyper::upgrade::OnUpgrade;

use crate::{
    io::{Unwrap, Upgraded},
    trace::tcp_failed,
    websocket::{Agreement, WebSocket},
};

/// An accepted request on its way to a WebSocket: a future of that, and of what the handshake service attached.
///
/// It is ready once the server has sent the response and handed over the IO.
#[must_use = "the connection hangs until its upgrade is awaited"]
pub struct Upgrading<T> {
    on_upgrade: OnUpgrade,
    unwrap: Option<Unwrap>,
    accepted: Option<(Agreement, T)>,
}

impl<T> Upgrading<T> {
    pub(super) fn new(on_upgrade: OnUpgrade, unwrap: Option<Unwrap>, agreement: Agreement, extra: T) -> Self {
        Self { on_upgrade, unwrap, accepted: Some((agreement, extra)) }
    }
}

// Nothing in it is pinned.
impl<T> Unpin for Upgrading<T> {}

impl<T> Future for Upgrading<T> {
    type Output = Result<(WebSocket, T), UpgradeError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let upgraded = ready!(Pin::new(&mut self.on_upgrade).poll(cx)).map_err(UpgradeError)?;
        let (agreement, extra) = self.accepted.take().expect("Upgrading is polled after it was ready");
        let (io, unread) = Upgraded::from_hyper(upgraded, self.unwrap);
        set_tcp_options(&agreement, &io);
        Poll::Ready(Ok((WebSocket::new(io, &unread, agreement), extra)))
    }
}

/// Sets the options of a TCP socket. One that is closed already may not take them.
pub(super) fn set_tcp_options(agreement: &Agreement, io: &dyn Any) {
    if let Err(error) = agreement.config.tcp.apply(io) {
        tcp_failed(&error);
    }
}

impl<T> fmt::Debug for Upgrading<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrading").finish_non_exhaustive()
    }
}

/// The server did not hand over the IO of an accepted request: the response was not sent, or the client went away.
#[derive(Debug)]
pub struct UpgradeError(hyper::Error);

impl fmt::Display for UpgradeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was not handed over after the handshake")
    }
}

impl Error for UpgradeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}
