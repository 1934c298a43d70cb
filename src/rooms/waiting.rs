//! Waiting for space for a kept message.

use std::{future::poll_fn, task::Poll};

use tokio::runtime;
use tungstenite::Message;

use super::entry::{Details, Entry};
use crate::websocket::{Broadcast, Posted, Recipient};

/// Keeps a message until there is space for it. The task that waits runs where the socket's driver
/// does: another runtime may stop or may not be polled while that one runs. Does nothing if there
/// is neither a driver nor a current runtime.
pub(super) fn keep<M: Send + Sync + 'static>(entry: &Entry<M>, message: &Message) {
    let home = entry.recipient.home().or_else(|| runtime::Handle::try_current().ok());
    let Some(home) = home else { return };
    if entry.details.latest.keep(message) {
        let waiting = KeptMessage { entry: entry.clone(), is_done: false };
        home.spawn(waiting.send());
    }
}

/// Waits for space for a kept message.
struct KeptMessage<M> {
    entry: Entry<M>,
    /// Set if no message was left when the task ended. A message that is kept now has another task.
    is_done: bool,
}

impl<M> KeptMessage<M> {
    async fn send(mut self) {
        let Entry { recipient, details } = &self.entry;
        let latest = &details.latest;
        while wait_for_space(recipient, details).await {
            let Some(message) = latest.take() else { return recipient.pass_space_on() };
            let mut broadcast = Broadcast::new(message);
            match recipient.post(&mut broadcast) {
                Posted::Queued if latest.mark_sent() => {
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

/// Waits until there is space for a message. Returns `false` once the socket leaves the room or its
/// connection is closing.
async fn wait_for_space<M>(recipient: &Recipient, details: &Details<M>) -> bool {
    let mut space = recipient.space();
    poll_fn(|cx| match details.latest.poll_left(cx) {
        Poll::Ready(()) => Poll::Ready(false),
        Poll::Pending => space.as_mut().poll(cx),
    })
    .await
}

impl<M> Drop for KeptMessage<M> {
    /// Drops the kept message if the socket was closed or the runtime has ended, because no task
    /// waits any more.
    fn drop(&mut self) {
        if !self.is_done {
            self.entry.details.latest.give_up();
        }
    }
}
