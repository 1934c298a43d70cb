//! Who waits for a connection.

use std::task::Waker;

/// Who waits for a connection: its driver, one reader, any number of writers.
#[derive(Debug, Default)]
pub(super) struct Wakers {
    /// How many drivers there are: a driven socket may be given one more.
    drivers: usize,
    /// The driver's task, once that was polled.
    driver: Option<Waker>,
    /// Whether the driver is polling the handler now, and will look at everything when that returns.
    is_corking: bool,
    reader: Option<Waker>,
    writers: Vec<Waker>,
}

impl Wakers {
    /// Whether there is a driver.
    pub(super) fn is_driven(&self) -> bool {
        self.drivers > 0
    }

    /// A driver looks after the connection from now on.
    pub(super) fn begin_driving(&mut self) {
        self.drivers += 1;
    }

    /// A driver is gone. Without one, the others look after the connection themselves.
    pub(super) fn end_driving(&mut self) {
        self.drivers -= 1;
        self.driver = None;
        self.is_corking = false;
        self.wake_all();
    }

    /// Has everyone look at the connection.
    pub(super) fn wake_all(&mut self) {
        self.wake_driver();
        self.wake_reader();
        self.wake_writers();
    }

    /// The driver, whose task is `driver`, is about to poll the handler.
    pub(super) fn cork(&mut self, driver: &Waker) {
        remember(&mut self.driver, driver);
        self.is_corking = true;
    }

    /// The driver has looked at everything.
    pub(super) fn uncork(&mut self) {
        self.is_corking = false;
    }

    /// Whether `waker` is of the handler's own task, and the driver will look after what it leaves.
    pub(super) fn is_corked(&self, waker: &Waker) -> bool {
        self.is_corking && self.driver.as_ref().is_some_and(|driver| driver.will_wake(waker))
    }

    /// The driver's task, to act in its name; to be put back with [`put_driver`](Self::put_driver).
    pub(super) fn take_driver(&mut self) -> Option<Waker> {
        self.driver.take()
    }

    pub(super) fn put_driver(&mut self, driver: Waker) {
        self.driver = Some(driver);
    }

    pub(super) fn wait_to_read(&mut self, waker: &Waker) {
        remember(&mut self.reader, waker);
    }

    pub(super) fn wait_to_write(&mut self, waker: &Waker) {
        if !self.writers.iter().any(|writer| writer.will_wake(waker)) {
            self.writers.push(waker.clone());
        }
    }

    /// Has the driver look at the connection, unless it is about to.
    pub(super) fn wake_driver(&self) {
        if let (Some(driver), false) = (&self.driver, self.is_corking) {
            driver.wake_by_ref();
        }
    }

    pub(super) fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    pub(super) fn wake_writers(&mut self) {
        for writer in self.writers.drain(..) {
            writer.wake();
        }
    }
}

/// Clones `waker` only when it is another one.
fn remember(slot: &mut Option<Waker>, waker: &Waker) {
    match slot {
        Some(known) => known.clone_from(waker),
        None => *slot = Some(waker.clone()),
    }
}
