//! What must not happen under the connection's lock, kept until that is released.

use std::task::Waker;

use tungstenite::Message;

use super::ending::Ending;

/// What must not happen under the connection's lock: it calls code that is not ours.
///
/// Wakers run executors, destructors of messages run their owners' code, and subscribers of
/// `tracing` run anything; each of them may use the socket again.
#[derive(Default)]
pub(in crate::websocket) struct Deferred {
    /// What is the most frequent, without an allocation.
    message: Option<Message>,
    waker: Option<Waker>,
    /// Boxed, as it is hardly ever needed.
    more: Option<Box<More>>,
}

#[derive(Default)]
struct More {
    wakers: Vec<Waker>,
    ending: Option<Ending>,
    garbage: Vec<Box<dyn Send>>,
}

impl Deferred {
    /// Wakes a task.
    pub(super) fn wake(&mut self, waker: Waker) {
        match &self.waker {
            None => self.waker = Some(waker),
            Some(_) => self.more.get_or_insert_default().wakers.push(waker),
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

    pub(super) fn drop_boxed(&mut self, value: Box<dyn Send>) {
        self.more.get_or_insert_default().garbage.push(value);
    }

    /// Tells that the connection has ended, which it does once.
    pub(super) fn end(&mut self, ending: Ending) {
        self.more.get_or_insert_default().ending = Some(ending);
    }
}

impl Drop for Deferred {
    /// Wakes first, and drops last: a destructor that panics must not keep others from their
    /// wake-ups.
    #[inline]
    fn drop(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        let Some(more) = self.more.take() else { return };
        let More { wakers, ending, garbage } = *more;
        wakers.into_iter().for_each(Waker::wake);
        if let Some(ending) = ending {
            ending.tell();
        }
        drop(garbage);
    }
}
