//! An accepted request whose connection is not handed over yet.

use std::{
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{Extensions, request::Parts};
use hyper::upgrade::OnUpgrade;
use tower::BoxError;

use super::admission::{Admission, check};
use crate::{
    config::ConfigValues,
    handshake::{HandshakeError, HandshakeKind, UpgradeRequest},
    io::{Held, HoldIo, IoFuture, PendingIo, TcpOptions, UnwrapIo, UpgradedIo},
    websocket::{Negotiated, WebSocket},
};

/// A future that resolves to the open WebSocket and the value that the handshake service attached.
///
/// It completes when the server has sent the response and handed over the IO.
/// [`Acceptor::accept_request`](crate::Acceptor::accept_request) returns it; see the
/// [example](crate::Acceptor::accept_request) there.
#[must_use = "the connection hangs until its upgrade is awaited"]
pub struct PendingUpgrade<T> {
    source: IoSource,
    accepted: Option<(Negotiated, T)>,
}

/// The source of the IO.
pub(super) enum IoSource {
    Http1(OnUpgrade, Option<UnwrapIo>),
    Http2(OnUpgrade, Option<Held>),
    Other(IoFuture),
}

/// Checks the request with the head `parts`, and takes its IO if it is valid.
pub(super) fn check_upgradable(
    parts: &mut Parts,
    kind: HandshakeKind,
    config: &ConfigValues,
) -> Result<(UpgradeRequest, Admission, IoSource), HandshakeError> {
    let (upgrade, admission) = check(parts, kind, config)?;
    Ok((upgrade, admission, IoSource::take(&mut parts.extensions, kind)?))
}

impl IoSource {
    /// Takes the IO from the extensions of a request.
    fn take(extensions: &mut Extensions, kind: HandshakeKind) -> Result<Self, HandshakeError> {
        let source = match extensions.remove::<PendingIo>() {
            Some(pending) => pending.take().map(Self::Other),
            None => extensions.remove().map(|upgrade| match kind {
                HandshakeKind::Upgrade => Self::Http1(upgrade, extensions.remove()),
                HandshakeKind::ExtendedConnect => {
                    Self::Http2(upgrade, extensions.remove().map(|HoldIo(hold)| hold()))
                }
            }),
        };
        source.ok_or(HandshakeError::NotUpgradable)
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(UpgradedIo, Bytes), UpgradeError>> {
        match self {
            Self::Http1(upgrade, unwrap) => {
                let upgraded = ready!(Pin::new(upgrade).poll(cx)).map_err(UpgradeError::from_hyper)?;
                Poll::Ready(Ok(UpgradedIo::from_http1(upgraded, *unwrap)))
            }
            Self::Http2(upgrade, held) => {
                let upgraded = ready!(Pin::new(upgrade).poll(cx)).map_err(UpgradeError::from_hyper)?;
                Poll::Ready(Ok((UpgradedIo::from_http2(upgraded, held.take()), Bytes::new())))
            }
            Self::Other(pending) => pending.as_mut().poll(cx).map_err(UpgradeError::NotHandedOver),
        }
    }
}

impl<T> PendingUpgrade<T> {
    pub(super) fn new(source: IoSource, negotiated: Negotiated, extra: T) -> Self {
        Self { source, accepted: Some((negotiated, extra)) }
    }
}

// No field is pinned.
impl<T> Unpin for PendingUpgrade<T> {}

impl<T> Future for PendingUpgrade<T> {
    type Output = Result<(WebSocket, T), UpgradeError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (io, unread) = ready!(self.source.poll(cx))?;
        let (negotiated, extra) = self.accepted.take().expect("PendingUpgrade is polled after it was ready");
        // This crate's server has set the default options already.
        let has_defaults = matches!(self.source, IoSource::Http1(_, Some(_)));
        if !has_defaults || negotiated.config.tcp != TcpOptions::default() {
            negotiated.set_tcp_options(&io);
        }
        Poll::Ready(Ok((WebSocket::new(io, &unread, negotiated), extra)))
    }
}

impl<T> fmt::Debug for PendingUpgrade<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingUpgrade").finish_non_exhaustive()
    }
}

/// The error of a server that did not hand over the IO of an accepted request.
///
/// # Examples
///
/// ```
/// use tower_websocket::accept::{PendingUpgrade, UpgradeError};
///
/// async fn greet(pending: PendingUpgrade<()>) {
///     match pending.await {
///         Ok((mut socket, ())) => drop(socket.send("hello").await),
///         Err(UpgradeError::NotSupported(_)) => panic!("the server must support upgrades"),
///         Err(error) => eprintln!("{error}"),
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum UpgradeError {
    /// The server does not support upgrades. The client gets the accepting response, followed by
    /// the end of the stream.
    ///
    /// Call `with_upgrades()` on the connection of hyper's `http1::Builder`, or
    /// `serve_connection_with_upgrades()` of hyper-util's `auto::Builder`. tonic's `Server` cannot
    /// upgrade connections: serve its routes with `axum::serve` or [`serve`](crate::serve()).
    NotSupported(hyper::Error),
    /// The response was not sent, or the client disconnected.
    NotHandedOver(BoxError),
}

impl UpgradeError {
    fn from_hyper(error: hyper::Error) -> Self {
        if error.is_user() { Self::NotSupported(error) } else { Self::NotHandedOver(error.into()) }
    }
}

impl fmt::Display for UpgradeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSupported(_) => {
                "the server does not upgrade connections: hyper's http1::Builder needs `with_upgrades()`, \
                 hyper-util's auto::Builder `serve_connection_with_upgrades()`"
            }
            Self::NotHandedOver(_) => "the connection was not handed over after the handshake",
        })
    }
}

impl Error for UpgradeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NotSupported(error) => Some(error),
            Self::NotHandedOver(error) => Some(&**error),
        }
    }
}
