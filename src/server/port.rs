//! A listener of a server, and how its connections begin.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Sleep, sleep},
};

use super::{HttpService, Listener, PeerAddr, connection::ConnectionContext, tls::TlsConfig};
use crate::{
    io::TcpOptions,
    trace::{accept_failed, tcp_failed},
};

/// How long accepting pauses after an error that would also affect the next connection.
const PAUSE: Duration = Duration::from_millis(100);

/// How many failures of single connections are accepted in a row without a pause. A broken listener
/// that only returns such errors would otherwise occupy its thread.
const MAX_FAILED: usize = 64;

/// A listener with its TLS configuration.
pub(super) struct Port<L> {
    listener: L,
    tls: Option<TlsConfig>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl<L> Port<L> {
    pub(super) fn new(listener: L, tls: Option<TlsConfig>) -> Self {
        Self { listener, tls, pause: None }
    }
}

/// A [`Port`] with a listener of any type.
pub(super) trait Accept<S>: Send {
    /// Accepts the next connection, and serves it on its own task. Takes `permit` for it.
    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
        context: &mut ConnectionContext<S>,
        permit: &mut Option<OwnedSemaphorePermit>,
    ) -> Poll<()>;
}

impl<L: Listener, S: HttpService> Accept<S> for Port<L> {
    fn poll_accept(
        &mut self,
        cx: &mut Context<'_>,
        context: &mut ConnectionContext<S>,
        permit: &mut Option<OwnedSemaphorePermit>,
    ) -> Poll<()> {
        let mut failed = 0;
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            match ready!(self.listener.poll_accept(cx)) {
                Ok((io, addr)) => {
                    // Set here once for all sockets of the server. With HTTP/2 and TLS, the TCP
                    // socket cannot be reached when a WebSocket opens.
                    if let Err(error) = TcpOptions::default().apply(&io) {
                        tcp_failed(&error);
                    }
                    let (context, peer, permit) = (context.clone(), PeerAddr(addr), permit.take());
                    match self.tls.clone() {
                        Some(tls) => tokio::spawn(context.serve_tls(io, tls, peer, permit)),
                        None => tokio::spawn(context.serve(io, peer, permit)),
                    };
                    return Poll::Ready(());
                }
                Err(error) if is_of_one_connection(&error) && failed < MAX_FAILED => failed += 1,
                Err(error) => {
                    accept_failed(&error);
                    // Usually file descriptors or memory are exhausted, so an immediate retry would
                    // only waste CPU time.
                    self.pause = Some(Box::pin(sleep(PAUSE)));
                }
            }
        }
    }
}

/// Returns whether accepting failed because that one connection was closed by the peer. Such an
/// error does not affect the next connection.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::NotConnected
    )
}
