//! Sending a message to the sockets of a room.

use tungstenite::Message;

use super::{
    OnFull, Sent,
    entry::{Details, Entry},
    list::List,
    waiting::keep,
};
use crate::{
    close::{CloseCode, CloseReason},
    websocket::{Broadcast, Posted},
};

/// Sends a message to the sockets that `is_meant` selects. No lock is held meanwhile.
pub(super) fn fan_out<M: Send + Sync + 'static>(
    entries: &List<Entry<M>>,
    message: Message,
    is_meant: impl Fn(&Details<M>) -> bool,
    on_full: OnFull,
) -> Sent {
    let mut broadcast = Broadcast::new(message);
    let mut sent = Sent::default();
    entries.for_each(|entry| {
        if !is_meant(&entry.details) {
            return;
        }
        match send(entry, &mut broadcast, on_full) {
            Posted::Queued => sent.queued += 1,
            Posted::Full => sent.full += 1,
            Posted::Closed => sent.closed += 1,
        }
    });
    sent
}

fn send<M: Send + Sync + 'static>(entry: &Entry<M>, broadcast: &mut Broadcast, on_full: OnFull) -> Posted {
    let Entry { recipient, details } = entry;
    if !recipient.may_send(broadcast.message()) {
        return Posted::Closed;
    }
    // A Close ends the wait for space, so it is not kept.
    let may_be_kept = on_full == OnFull::KeepLatest && !broadcast.message().is_close();
    if may_be_kept && details.latest.replace(broadcast.message()) {
        return Posted::Full;
    }
    let posted = recipient.post(broadcast);
    if posted == Posted::Full {
        match on_full {
            OnFull::Skip => {}
            OnFull::CloseAfter(time) => {
                if recipient.stalled().unwrap_or_default() >= time {
                    recipient.close(CloseCode::TRY_AGAIN_LATER, CloseReason::truncated("reading too slowly"));
                }
            }
            OnFull::KeepLatest => keep(entry, broadcast.message()),
        }
    }
    posted
}
