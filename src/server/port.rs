//! A listener of a server.

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

/// How long accepting pauses after an error that the next connection would meet too.
const PAUSE: Duration = Duration::from_millis(100);

/// How many connections in a row may fail to be accepted without a pause. A listener that has
/// nothing but those is broken, and would have the thread to itself.
const MAX_FAILED: usize = 64;

/// A listener, and what is done with its connections first.
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

/// A [`Port`] of any listener.
pub(super) trait Accept<S>: Send {
    /// Accepts the next connection, and serves it on a task of its own. Takes `permit` for it.
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
                    // For HTTP/2 and for TLS, where the socket cannot be reached when a WebSocket
                    // opens.
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
                    // Out of file descriptors or memory, mostly: trying again at once would only
                    // burn the CPU.
                    self.pause = Some(Box::pin(sleep(PAUSE)));
                }
            }
        }
    }
}

/// Whether the connection that was about to be accepted went away, which says nothing about the
/// next.
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
