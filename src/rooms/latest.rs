//! The latest message to a room, kept for a socket that had no space for it.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tungstenite::Message;

/// The latest message to a room, kept for a socket that had no space for it. A task waits for the
/// space while there is one.
#[derive(Debug, Default)]
pub(super) struct Latest(Mutex<Kept>);

#[derive(Debug, Default)]
enum Kept {
    #[default]
    Nothing,
    Message(Message),
    /// The task is sending it.
    Taken,
    /// The socket has left the room.
    Left,
}

impl Latest {
    /// Keeps a message in the place of one that is kept, which it must not overtake. Returns
    /// `false` if none is.
    pub(super) fn replace(&self, message: &Message) -> bool {
        let kept = self.lock();
        let is_kept = matches!(*kept, Kept::Message(_) | Kept::Taken);
        if is_kept {
            set(kept, Kept::Message(message.clone()));
        }
        is_kept
    }

    /// Keeps a message. Returns whether a task is to wait for the space, as none does.
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

    /// Keeps nothing from now on: the socket has left the room.
    pub(super) fn leave(&self) {
        set(self.lock(), Kept::Left);
    }

    /// Keeps nothing any more, as nobody waits.
    pub(super) fn give_up(&self) {
        let kept = self.lock();
        if !matches!(*kept, Kept::Left) {
            set(kept, Kept::Nothing);
        }
    }

    /// Takes the message; `None` if the socket has left the room.
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

    /// Puts the message back, unless there is a newer one.
    pub(super) fn put_back(&self, message: Message) {
        let mut kept = self.lock();
        if matches!(*kept, Kept::Taken) {
            *kept = Kept::Message(message);
        }
    }

    /// The message that was taken is sent. Returns `false` if there is a newer one.
    pub(super) fn is_sent(&self) -> bool {
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

/// Changes what is kept. What was kept is dropped after the lock is released: its destructor is the
/// application's.
fn set(mut locked: MutexGuard<'_, Kept>, kept: Kept) {
    let old = mem::replace(&mut *locked, kept);
    drop(locked);
    drop(old);
}
