//! What must not happen under the connection's lock, kept until that is released.

use std::task::Waker;

use tungstenite::Message;

use super::ending::Ending;

/// What must not happen under the connection's lock: it calls code that is not ours.
///
/// Wakers run executors, destructors of messages run their owners' code, and subscribers of `tracing` run anything; each of
/// them may use the socket again.
#[derive(Default)]
pub(in crate::websocket) struct Deferred {
    /// What is the most frequent, without an allocation.
    message: Option<Message>,
    waker: Option<Waker>,
    #[expect(clippy::box_collection, reason = "it is hardly ever needed, and nothing is small")]
    more: Option<Box<Vec<Action>>>,
}

enum Action {
    Wake(Waker),
    Drop(#[expect(dead_code, reason = "it is kept to be dropped")] Box<dyn Send>),
    Tell(Box<Ending>),
}

impl Deferred {
    /// Wakes a task.
    pub(super) fn wake(&mut self, waker: Waker) {
        match &self.waker {
            None => self.waker = Some(waker),
            Some(_) => self.push(Action::Wake(waker)),
        }
    }

    /// Drops a message.
    pub(super) fn drop_message(&mut self, message: Option<Message>) {
        match message {
            Some(message) if self.message.is_some() => self.drop(message),
            Some(message) => self.message = Some(message),
            None => {}
        }
    }

    /// Drops anything else.
    pub(super) fn drop(&mut self, value: impl Send + 'static) {
        self.drop_boxed(Box::new(value));
    }

    fn push(&mut self, action: Action) {
        self.more.get_or_insert_default().push(action);
    }

    pub(super) fn drop_boxed(&mut self, value: Box<dyn Send>) {
        self.push(Action::Drop(value));
    }

    /// Tells that the connection has ended.
    pub(super) fn end(&mut self, ending: Ending) {
        self.push(Action::Tell(Box::new(ending)));
    }
}

impl Drop for Deferred {
    #[inline]
    fn drop(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        let Some(more) = self.more.take() else { return };
        for action in *more {
            match action {
                Action::Wake(waker) => waker.wake(),
                Action::Drop(_) => {}
                Action::Tell(ending) => ending.tell(),
            }
        }
    }
}
