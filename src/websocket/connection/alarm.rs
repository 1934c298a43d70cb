//! One timer for each connection, made when it is first needed.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::Context,
};

use tokio::{
    task::unconstrained,
    time::{Instant, Sleep, sleep_until},
};

/// One timer for each connection, made when it is first needed.
///
/// Deadlines mostly move away before they come, so the timer is set only when it is not set to a
/// time before, and then wakes the connection earlier than needed: that costs next to nothing where
/// there is traffic.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
    /// When the timer wakes the connection.
    set_to: Option<Instant>,
}

impl Alarm {
    /// Returns whether the connection will be woken at `at` or before, but not before `now`.
    pub(super) fn is_set(&self, now: Instant, at: Instant) -> bool {
        self.set_to.is_some_and(|set_to| now < set_to && set_to <= at)
    }

    /// Returns whether the connection will be woken after `now`.
    pub(super) fn is_ahead(&self, now: Instant) -> bool {
        self.set_to.is_some_and(|set_to| now < set_to)
    }

    /// Has the connection, whose waker is in `cx`, woken at `at`.
    pub(super) fn set(&mut self, cx: &mut Context<'_>, at: Instant) {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        // Without budget it would not be set.
        let is_over = pin!(unconstrained(sleep.as_mut())).poll(cx).is_ready();
        self.set_to = Some(at);
        if is_over {
            cx.waker().wake_by_ref();
        }
    }
}
