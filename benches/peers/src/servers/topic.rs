//! What joins the publisher and the subscribers of the servers that bring nothing of their own for it.

use std::sync::OnceLock;

use bytes::Bytes;
use tokio::sync::broadcast;

/// The process's only topic.
pub(super) fn topic() -> &'static broadcast::Sender<Bytes> {
    static TOPIC: OnceLock<broadcast::Sender<Bytes>> = OnceLock::new();
    TOPIC.get_or_init(|| broadcast::channel(1024).0)
}
