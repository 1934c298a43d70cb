//! The identity of a socket.

use std::{
    fmt,
    num::NonZeroU64,
    sync::atomic::{AtomicU64, Ordering},
};

/// Identifies a WebSocket in this process. Ids are never reused.
///
/// [`Sender::id`](crate::Sender::id) and [`WebSocket::id`](crate::WebSocket::id) return it. It is
/// also the field `id` of the connection's span, with the feature `tracing`. Ids are not secret:
/// they are numbers in the order of the handshakes.
///
/// # Examples
///
/// A registry of open sockets:
///
/// ```
/// use std::{collections::HashMap, sync::Mutex};
/// use tower_websocket::{Sender, WebSocket, websocket::WebSocketId};
///
/// static SENDERS: Mutex<Option<HashMap<WebSocketId, Sender>>> = Mutex::new(None);
///
/// async fn handler(socket: WebSocket) {
///     let (sender, mut receiver) = socket.split();
///     let id = sender.id();
///     SENDERS.lock().unwrap().get_or_insert_default().insert(id, sender);
///     while let Some(Ok(_)) = receiver.recv().await {}
///     SENDERS.lock().unwrap().get_or_insert_default().remove(&id);
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebSocketId(NonZeroU64);

impl WebSocketId {
    pub(crate) fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let id = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        Self(NonZeroU64::new(id).expect("a process does not live for so many handshakes"))
    }
}

impl fmt::Display for WebSocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
