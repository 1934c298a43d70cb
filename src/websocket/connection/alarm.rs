//! The timer of a connection, which is created when it is first needed.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::Context,
};

use pin_project_lite::pin_project;
use tokio::{
    runtime,
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
    timer: Option<Pin<Box<Timer>>>,
}

pin_project! {
    #[derive(Debug)]
    struct Timer {
        #[pin]
        sleep: Sleep,
        // The runtime that drives it, which may end while the connection is used in another one.
        home: Option<runtime::Id>,
    }
}

impl Timer {
    fn new(at: Instant) -> Self {
        Self { sleep: sleep_until(at), home: current_runtime() }
    }

    fn is_in_current_runtime(&self) -> bool {
        self.home == current_runtime()
    }
}

fn current_runtime() -> Option<runtime::Id> {
    runtime::Handle::try_current().ok().map(|runtime| runtime.id())
}

impl Alarm {
    /// Returns `true` if the connection will be woken after `now` and not after `at`.
    pub(super) fn is_set(&self, now: Instant, at: Instant) -> bool {
        self.timer.as_ref().is_some_and(|timer| {
            let set_to = timer.sleep.deadline();
            now < set_to && set_to <= at && timer.is_in_current_runtime()
        })
    }

    /// Returns `true` if the timer is set and will wake the connection. This costs less than
    /// reading the clock.
    pub(super) fn is_ahead(&self) -> bool {
        self.timer.as_ref().is_some_and(|timer| !timer.sleep.is_elapsed())
    }

    /// Sets the timer to wake the connection, whose waker is in `cx`, at `at`.
    pub(super) fn set(&mut self, cx: &mut Context<'_>, at: Instant) {
        self.timer.take_if(|timer| !timer.is_in_current_runtime());
        let timer = self.timer.get_or_insert_with(|| Box::pin(Timer::new(at)));
        let mut sleep = timer.as_mut().project().sleep;
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
