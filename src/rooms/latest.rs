//! The latest message to a room, kept for a socket whose write buffer was full.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use tungstenite::Message;

/// The latest message to a room, kept for a socket whose write buffer was full. While a message is
/// kept, a task waits for space.
#[derive(Debug, Default)]
pub(super) struct Latest(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    kept: Kept,
    /// Wakes the task if the socket leaves the room.
    task: Option<Waker>,
}

#[derive(Debug, Default)]
enum Kept {
    #[default]
    Nothing,
    Message(Message),
    /// The task is sending the message.
    Taken,
    /// The socket has left the room.
    Left,
}

impl Latest {
    /// Replaces a kept message, which the new one must not overtake. Returns `false` if no message
    /// is kept.
    pub(super) fn replace(&self, message: &Message) -> bool {
        let state = self.lock();
        let is_kept = matches!(state.kept, Kept::Message(_) | Kept::Taken);
        if is_kept {
            set(state, Kept::Message(message.clone()));
        }
        is_kept
    }

    /// Keeps a message. Returns `true` if the caller has to spawn a task that waits for space,
    /// because none waits yet.
    pub(super) fn keep(&self, message: &Message) -> bool {
        let state = self.lock();
        let is_first = match state.kept {
            Kept::Nothing => true,
            Kept::Message(_) | Kept::Taken => false,
            Kept::Left => return false,
        };
        set(state, Kept::Message(message.clone()));
        is_first
    }

    /// Keeps no messages from now on, because the socket has left the room. Wakes the task.
    pub(super) fn leave(&self) {
        let mut state = self.lock();
        let task = state.task.take();
        set(state, Kept::Left);
        if let Some(task) = task {
            task.wake();
        }
    }

    /// Ready when the socket has left the room. Only one task may wait for this.
    pub(super) fn poll_left(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if matches!(state.kept, Kept::Left) {
            return Poll::Ready(());
        }
        // The only wakers here are the runtime's, which may be cloned and dropped under the lock.
        match &mut state.task {
            Some(task) => task.clone_from(cx.waker()),
            None => state.task = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    /// Drops the kept message, because no task waits for space any more.
    pub(super) fn give_up(&self) {
        let mut state = self.lock();
        state.task = None;
        if !matches!(state.kept, Kept::Left) {
            set(state, Kept::Nothing);
        }
    }

    /// Takes the kept message. Returns `None` if the socket has left the room.
    pub(super) fn take(&self) -> Option<Message> {
        let mut state = self.lock();
        match mem::replace(&mut state.kept, Kept::Taken) {
            Kept::Message(message) => Some(message),
            other => {
                state.kept = other;
                None
            }
        }
    }

    /// Puts the message back, unless a newer one is kept.
    pub(super) fn put_back(&self, message: Message) {
        let mut state = self.lock();
        if matches!(state.kept, Kept::Taken) {
            state.kept = Kept::Message(message);
        }
    }

    /// Notes that the message that was taken is sent. Returns `false` if a newer one is kept.
    /// Otherwise the task ends.
    pub(super) fn mark_sent(&self) -> bool {
        let mut state = self.lock();
        if matches!(state.kept, Kept::Taken) {
            state.kept = Kept::Nothing;
        }
        let is_last = !matches!(state.kept, Kept::Message(_));
        if is_last {
            state.task = None;
        }
        is_last
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Replaces the kept value. The old value is dropped after the lock is released, because its
/// destructor is the application's code.
fn set(mut locked: MutexGuard<'_, State>, kept: Kept) {
    let old = mem::replace(&mut locked.kept, kept);
    drop(locked);
    drop(old);
}
