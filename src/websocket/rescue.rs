//! The driver's work while a handler blocks its thread.

use std::{future::poll_fn, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime::{Handle, RuntimeFlavor},
    time::sleep,
};

use super::{
    connection::{Event, Waiter, WaiterKey, WaiterKind},
    shared::Shared,
};

/// How long a handler's turn may take before another task does the driver's work.
const MAX_TURN: Duration = Duration::from_millis(2);

/// Spawns a task that does the driver's work if the handler's turn takes long. It is called when
/// the connection has an event that the driver cannot handle until the handler's poll returns,
/// which takes long if the handler blocks or computes.
pub(super) fn rescue<IO>(shared: &Arc<Shared<IO>>)
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    // With one thread, no other task can run.
    let Some(runtime) =
        Handle::try_current().ok().filter(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread)
    else {
        return;
    };
    let Some(turn) = shared.with(|connection, _| connection.begin_rescue()) else { return };
    let rescue = Rescue { shared: Arc::clone(shared), key: None, has_ended: false };
    runtime.spawn(async move {
        // Moves the whole value: otherwise the block would copy single fields.
        let mut rescue = rescue;
        let mut next = Some(turn);
        while let Some(turn) = next {
            sleep(MAX_TURN).await;
            next = poll_fn(|cx| {
                let waiter = Waiter::Other(WaiterKind::Future, Event::Drive, &mut rescue.key);
                rescue.shared.poll(cx.waker(), waiter, |connection, _| connection.poll_rescue(turn))
            })
            .await;
        }
        rescue.has_ended = true;
    });
    // Moves the task out of the worker's LIFO slot, from which no other worker takes it.
    drop(runtime.spawn(async {}));
}

/// A running rescue, which ends when this is dropped.
struct Rescue<IO> {
    shared: Arc<Shared<IO>>,
    key: Option<WaiterKey>,
    /// Set once the connection has recorded the end. A runtime may drop the task before that.
    has_ended: bool,
}

impl<IO> Drop for Rescue<IO> {
    fn drop(&mut self) {
        self.shared.with(|connection, deferred| {
            if !self.has_ended {
                connection.end_rescue();
            }
            connection.cancel_waiting(self.key, deferred);
        });
    }
}
