//! A sender that does not keep its connection open.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use tokio::io::{AsyncRead, AsyncWrite};

use super::{sender::Sender, shared::Shared};
use crate::io::UpgradedIo;
use crate::metrics::id::WebSocketId;

/// A [`Sender`] that does not keep its connection open, for registries that outlive their sockets.
///
/// [`Sender::downgrade`] returns one.
///
/// About 600 bytes of a closed socket remain allocated until its last weak sender is dropped.
///
/// # Examples
///
/// ```
/// use tower_websocket::{Sender, websocket::WeakSender};
///
/// #[derive(Default)]
/// struct Registry(Vec<WeakSender>);
///
/// impl Registry {
///     fn add(&mut self, sender: &Sender) {
///         self.0.push(sender.downgrade());
///     }
///
///     /// Sends to the open sockets, and removes the others.
///     fn publish(&mut self, event: &str) {
///         self.0.retain(|weak| {
///             let is_sent = weak.upgrade().is_some_and(|sender| sender.try_send(event).is_ok());
///             if !is_sent {
///                 println!("{} is removed", weak.id());
///             }
///             is_sent
///         });
///     }
/// }
/// ```
pub struct WeakSender<IO = UpgradedIo> {
    shared: Weak<Shared<IO>>,
    id: WebSocketId,
}

impl<IO> Sender<IO> {
    /// Returns a sender that does not keep the connection open.
    ///
    /// See the [example](WeakSender#examples) of the weak sender.
    pub fn downgrade(&self) -> WeakSender<IO> {
        WeakSender { shared: Arc::downgrade(&self.shared), id: self.shared.id() }
    }
}

impl<IO> WeakSender<IO> {
    /// Returns the id of the socket, which no other socket of the process has.
    ///
    /// See the [example](Self#examples) of the type.
    pub fn id(&self) -> WebSocketId {
        self.id
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> WeakSender<IO> {
    /// Returns a sender, or `None` if the last sender was dropped or the connection is closing.
    ///
    /// See the [example](Self#examples) of the type.
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
