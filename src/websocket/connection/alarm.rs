//! The timer of a connection, which is created when it is first needed.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::Context,
};

use tokio::{
    task::unconstrained,
    time::{Instant, Sleep, sleep_until},
};

/// The timer of a connection, which is created when it is first needed.
///
/// A deadline is usually postponed before it expires. The timer is therefore not postponed with it:
/// it wakes the connection early, and is then set again. With regular traffic this costs nearly
/// nothing.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// Returns `true` if the connection will be woken after `now` and not after `at`.
    pub(super) fn is_set(&self, now: Instant, at: Instant) -> bool {
        self.set_to().is_some_and(|set_to| now < set_to && set_to <= at)
    }

    /// Returns `true` if the timer is set and will wake the connection. This costs less than
    /// reading the clock.
    pub(super) fn is_ahead(&self) -> bool {
        self.sleep.as_ref().is_some_and(|sleep| !sleep.is_elapsed())
    }

    /// Returns when the timer wakes or woke the connection.
    fn set_to(&self) -> Option<Instant> {
        self.sleep.as_ref().map(|sleep| sleep.deadline())
    }

    /// Sets the timer to wake the connection, whose waker is in `cx`, at `at`.
    pub(super) fn set(&mut self, cx: &mut Context<'_>, at: Instant) {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        // Without `unconstrained`, a task without budget would not register its waker.
        let is_over = pin!(unconstrained(sleep.as_mut())).poll(cx).is_ready();
        if is_over {
            cx.waker().wake_by_ref();
        }
    }
}
