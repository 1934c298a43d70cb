//! One timer for each connection, made when it is first needed.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use tokio::{
    task::unconstrained,
    time::{Instant, Sleep, sleep_until},
};

/// One timer for each connection, made when it is first needed.
///
/// Deadlines mostly move away before they come, so the timer is moved only when it fires or is too late, and looked
/// at only when it may have fired: that costs next to nothing where there is traffic.
#[derive(Debug, Default)]
pub(super) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    /// Until when nothing needs to be done for this task, since the timer will wake it.
    armed: Option<(Instant, Waker)>,
}

impl Timer {
    /// Ready once `at` has come.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, now: Instant, at: Instant) -> Poll<()> {
        if self
            .armed
            .as_ref()
            .is_some_and(|(until, task)| now < *until && *until <= at && task.will_wake(cx.waker()))
        {
            return Poll::Pending;
        }
        self.armed = None;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() > at {
            sleep.as_mut().reset(at);
        }
        // Without budget it would not be armed.
        while pin!(unconstrained(sleep.as_mut())).poll(cx).is_ready() {
            if sleep.deadline() >= at {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(at);
        }
        self.armed = Some((sleep.deadline(), cx.waker().clone()));
        Poll::Pending
    }
}
