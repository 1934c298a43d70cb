//! Who waits for a connection.

use std::task::Waker;

use tokio::runtime;

/// Who waits for a connection: its driver, one reader, any number of writers.
#[derive(Debug, Default)]
pub(super) struct Wakers {
    /// How many drivers there are: a driven socket may be given one more.
    drivers: usize,
    /// The driver's task, once that was polled, and those of other drivers.
    driver: Option<Waker>,
    others: Vec<Waker>,
    /// Whether the driver is polling the handler now, and will look at everything when that returns.
    is_corking: bool,
    /// The runtime that the driver runs in, and whether a task of that is about to write.
    home: Option<runtime::Id>,
    is_delivering: bool,
    reader: Option<Waker>,
    writers: Vec<(Waker, Until)>,
}

/// What a writer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Until {
    /// There is room for one more message.
    Room,
    /// Everything is written.
    Written,
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
        self.is_corking = false;
        self.wake_all();
        // Whoever of the other drivers there is takes the place when it is polled.
        self.others.clear();
        if self.drivers == 0 {
            self.driver = None;
        }
    }

    /// Has everyone look at the connection.
    pub(super) fn wake_all(&mut self) {
        self.wake_driver();
        for other in &self.others {
            other.wake_by_ref();
        }
        self.wake_reader();
        self.wake_writers(Until::Written);
    }

    /// The driver, whose task is `driver`, is about to poll the handler.
    pub(super) fn cork(&mut self, driver: &Waker) {
        if self.drivers > 1 {
            if let Some(known) = self.driver.take_if(|known| !known.will_wake(driver)) {
                self.others.retain(|other| !other.will_wake(driver) && !other.will_wake(&known));
                self.others.push(known);
            }
        }
        if self.driver.as_ref().is_none_or(|known| !known.will_wake(driver)) {
            self.driver = Some(driver.clone());
            self.home = runtime::Handle::try_current().ok().map(|home| home.id());
        }
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

    pub(super) fn wait_to_write(&mut self, waker: &Waker, until: Until) {
        if !self.writers.iter().any(|(writer, its)| *its == until && writer.will_wake(waker)) {
            self.writers.push((waker.clone(), until));
        }
    }

    /// Has the driver look at the connection, unless it is about to.
    pub(super) fn wake_driver(&self) {
        if let (Some(driver), false) = (&self.driver, self.is_corking) {
            driver.wake_by_ref();
        }
    }

    /// A sender has left something to be written. The runtime in which somebody else than the driver is to write it
    /// now, which [ends](Self::end_delivery) the delivery.
    pub(super) fn begin_delivery(&mut self) -> Option<runtime::Id> {
        if self.driver.is_none() || self.is_corking || self.is_delivering {
            return None;
        }
        match self.home {
            Some(_) => self.is_delivering = true,
            None => self.wake_driver(),
        }
        self.home
    }

    pub(super) fn end_delivery(&mut self) {
        self.is_delivering = false;
    }

    pub(super) fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// Wakes those who wait until there is room, or all who wait until everything is written as well.
    ///
    /// A writer is woken only for what it waits for: it would do nothing but wait again.
    pub(super) fn wake_writers(&mut self, reached: Until) {
        self.writers.retain(|(writer, until)| {
            let is_reached = *until <= reached;
            if is_reached {
                writer.wake_by_ref();
            }
            !is_reached
        });
    }
}

/// Clones `waker` only when it is another one.
fn remember(slot: &mut Option<Waker>, waker: &Waker) {
    match slot {
        Some(known) => known.clone_from(waker),
        None => *slot = Some(waker.clone()),
    }
}
