//! A sender that does not keep its socket open.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use tokio::io::{AsyncRead, AsyncWrite};

use super::{sender::Sender, shared::Shared};
use crate::io::UpgradedIo;
use crate::metrics::id::WebSocketId;

/// A [`Sender`] that does not keep its socket open: for a registry from which nobody removes
/// sockets that end.
///
/// [`Sender::downgrade`] makes one. It keeps about 600 bytes of a socket that is over, until it is
/// dropped.
///
/// ```
/// use tower_websocket::{Sender, websocket::WeakSender};
///
/// /// Sends to those that are open, and forgets the others.
/// fn publish(senders: &mut Vec<WeakSender>, event: &str) {
///     senders.retain(|sender| sender.upgrade().is_some_and(|sender| sender.try_send(event).is_ok()));
/// }
/// ```
pub struct WeakSender<IO = UpgradedIo> {
    shared: Weak<Shared<IO>>,
    id: WebSocketId,
}

impl<IO> Sender<IO> {
    /// Returns a sender that does not keep the socket open.
    pub fn downgrade(&self) -> WeakSender<IO> {
        WeakSender { shared: Arc::downgrade(&self.shared), id: self.shared.id() }
    }
}

impl<IO> WeakSender<IO> {
    /// Returns what tells the socket from all others.
    pub fn id(&self) -> WebSocketId {
        self.id
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> WeakSender<IO> {
    /// Returns a sender, or `None` once the last one is dropped or the socket is closing.
    pub fn upgrade(&self) -> Option<Sender<IO>> {
        Sender::of_open(self.shared.upgrade()?)
    }
}

impl<IO> Clone for WeakSender<IO> {
    fn clone(&self) -> Self {
        Self { shared: Weak::clone(&self.shared), id: self.id }
    }
}

impl<IO> fmt::Debug for WeakSender<IO> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSender").field("id", &self.id).finish_non_exhaustive()
    }
}
