//! The latest message to a room, kept for a socket whose write buffer was full.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tungstenite::Message;

/// The latest message to a room, kept for a socket whose write buffer was full. While a message is
/// kept, a task waits for space.
#[derive(Debug, Default)]
pub(super) struct Latest(Mutex<Kept>);

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
        let kept = self.lock();
        let is_kept = matches!(*kept, Kept::Message(_) | Kept::Taken);
        if is_kept {
            set(kept, Kept::Message(message.clone()));
        }
        is_kept
    }

    /// Keeps a message. Returns `true` if the caller has to spawn a task that waits for space,
    /// because none waits yet.
    pub(super) fn keep(&self, message: &Message) -> bool {
        let kept = self.lock();
        let is_first = match *kept {
            Kept::Nothing => true,
            Kept::Message(_) | Kept::Taken => false,
            Kept::Left => return false,
        };
        set(kept, Kept::Message(message.clone()));
        is_first
    }

    /// Keeps no messages from now on, because the socket has left the room.
    pub(super) fn leave(&self) {
        set(self.lock(), Kept::Left);
    }

    /// Drops the kept message, because no task waits for space any more.
    pub(super) fn give_up(&self) {
        let kept = self.lock();
        if !matches!(*kept, Kept::Left) {
            set(kept, Kept::Nothing);
        }
    }

    /// Takes the kept message. Returns `None` if the socket has left the room.
    pub(super) fn take(&self) -> Option<Message> {
        let mut kept = self.lock();
        match mem::replace(&mut *kept, Kept::Taken) {
            Kept::Message(message) => Some(message),
            other => {
                *kept = other;
                None
            }
        }
    }

    /// Puts the message back, unless a newer one is kept.
    pub(super) fn put_back(&self, message: Message) {
        let mut kept = self.lock();
        if matches!(*kept, Kept::Taken) {
            *kept = Kept::Message(message);
        }
    }

    /// Notes that the message that was taken is sent. Returns `false` if a newer one is kept.
    pub(super) fn mark_sent(&self) -> bool {
        let mut kept = self.lock();
        if matches!(*kept, Kept::Taken) {
            *kept = Kept::Nothing;
        }
        !matches!(*kept, Kept::Message(_))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Replaces the kept value. The old value is dropped after the lock is released, because its
/// destructor is the application's code.
fn set(mut locked: MutexGuard<'_, Kept>, kept: Kept) {
    let old = mem::replace(&mut *locked, kept);
    drop(locked);
    drop(old);
}
