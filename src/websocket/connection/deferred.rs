//! Actions that must not happen under the connection's lock.

use std::task::Waker;

use tungstenite::Message;

use super::ending::Ending;

/// Actions that must not happen under the connection's lock, because they call foreign code. They
/// are performed after the lock is released.
///
/// Wakers run executors, destructors of messages run their owners' code, and `tracing` subscribers
/// run arbitrary code. Each of them may use the socket again.
#[derive(Default)]
pub(in crate::websocket) struct Deferred {
    /// The most frequent values, which need no allocation.
    message: Option<Message>,
    waker: Option<Waker>,
    /// Boxed, because it is rarely needed.
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

    /// Drops any other value.
    pub(super) fn drop(&mut self, value: impl Send + 'static) {
        self.drop_boxed(Box::new(value));
    }

    pub(super) fn drop_boxed(&mut self, value: Box<dyn Send>) {
        self.more.get_or_insert_default().garbage.push(value);
    }

    /// Reports the end of the connection, once.
    pub(super) fn end(&mut self, ending: Ending) {
        self.more.get_or_insert_default().ending = Some(ending);
    }
}

impl Drop for Deferred {
    /// Wakes tasks first and drops values last, so that a destructor that panics cannot prevent
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
            ending.report();
        }
        drop(garbage);
    }
}
