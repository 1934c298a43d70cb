//! Waiting for the space for a message that is kept.

use std::sync::Arc;

use tokio::runtime;
use tungstenite::Message;

use super::entry::Entry;
use crate::websocket::{Broadcast, Posted};

/// Keeps a message until there is space for it, unless there is no runtime to wait in.
pub(super) fn keep<M: Send + Sync + 'static>(entry: &Arc<Entry<M>>, message: &Message) {
    let Ok(runtime) = runtime::Handle::try_current() else { return };
    if entry.latest.keep(message) {
        let waiting = Waiting { entry: Arc::clone(entry), is_done: false };
        runtime.spawn(waiting.send());
    }
}

/// Waits for space for what is kept.
struct Waiting<M> {
    entry: Arc<Entry<M>>,
    /// Whether nothing was kept in the end: what is kept now has somebody else who waits.
    is_done: bool,
}

impl<M> Waiting<M> {
    async fn send(mut self) {
        let Entry { recipient, latest, .. } = &*self.entry;
        while recipient.space().await {
            let Some(message) = latest.take() else { return recipient.pass_space_on() };
            let mut broadcast = Broadcast::new(message);
            match recipient.post(&mut broadcast) {
                Posted::Queued if latest.is_sent() => {
                    self.is_done = true;
                    return;
                }
                Posted::Queued => {}
                Posted::Full => latest.put_back(broadcast.into_message()),
                Posted::Closed => return,
            }
        }
    }
}

impl<M> Drop for Waiting<M> {
    /// The socket is closed, or the runtime has ended: nothing is kept where nobody waits.
    fn drop(&mut self) {
        if !self.is_done {
            self.entry.latest.give_up();
        }
    }
}
