//! The tasks that wait for a connection.

use std::{collections::BTreeMap, task::Waker};

use super::deferred::Deferred;

/// The tasks that wait for a connection.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    /// The task of the driver that was polled last.
    driver: Option<Waker>,
    reader: Option<Waker>,
    /// Whether the reader is on the driver's task, and is woken with it.
    reads_as_driver: bool,
    /// Whether the reader was woken and not polled since.
    is_reader_due: bool,
    /// Whether the only driver is polling its handler. It does its work afterwards in any case, so
    /// it keeps its waker, by which the handler's messages are recognised.
    is_in_turn: bool,
    /// Whether the driver's task has to be polled again after the turn, because its reader is due.
    is_wake_due: bool,
    /// Boxed, because there are usually none.
    others: Option<Box<Others>>,
    last: u64,
}

/// The waiting tasks except the reader and the driver.
#[derive(Debug, Default)]
struct Others {
    /// The tasks of other drivers. A socket with a driver may get another one.
    drivers: Vec<Waker>,
    queue: BTreeMap<WaiterKey, Waker>,
}

/// The events that tasks wait for, in the order in which the tasks are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::websocket) enum Event {
    /// The work of another driver.
    Drive,
    /// The link, which another task uses.
    Link,
    /// Space for another message.
    Space,
    /// The compressor, which another sender uses.
    Compressor,
    /// All messages up to the position are written.
    Written(u64),
    /// Messages can no longer be sent.
    Closed,
    /// The connection is over.
    Over,
}

/// The key of a waiter in the queue. The waiter is removed when its future is dropped.
///
/// Keys are ordered by kind, event and number. The event is stored in two fields, and the number
/// in 48 bits, to make the key smaller, because every future that sends contains one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::websocket) struct WaiterKey {
    kind: WaiterKind,
    event: u8,
    position: u64,
    /// From the highest part to the lowest.
    number: [u16; 3],
}

/// The kind of a waiter with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::websocket) enum WaiterKind {
    /// A future. After it was woken, it is polled again or dropped.
    Future,
    /// A `Sink`, which may exist without being polled again. It is therefore woken in addition to a
    /// future, never instead of one.
    Sink,
}

impl WaiterKey {
    fn new(kind: WaiterKind, event: Event, number: u64) -> Self {
        let (event, position) = match event {
            Event::Drive => (0, 0),
            Event::Link => (1, 0),
            Event::Space => (2, 0),
            Event::Compressor => (3, 0),
            Event::Written(position) => (4, position),
            Event::Closed => (5, 0),
            Event::Over => (6, 0),
        };
        let number = [number >> 32, number >> 16, number].map(|part| part as u16);
        Self { kind, event, position, number }
    }

    pub(in crate::websocket) fn event(self) -> Event {
        match self.event {
            0 => Event::Drive,
            1 => Event::Link,
            2 => Event::Space,
            3 => Event::Compressor,
            4 => Event::Written(self.position),
            5 => Event::Closed,
            _ => Event::Over,
        }
    }
}

impl Waiters {
    /// Returns a new key for the queue.
    pub(super) fn new_key(&mut self, kind: WaiterKind, event: Event) -> WaiterKey {
        self.last += 1;
        WaiterKey::new(kind, event, self.last)
    }

    /// Returns `true` if `waker` wakes the task that is registered at `key`.
    pub(super) fn is_waiting(&self, key: WaiterKey, waker: &Waker) -> bool {
        let known = self.others.as_ref().and_then(|others| others.queue.get(&key));
        known.is_some_and(|known| known.will_wake(waker))
    }

    pub(super) fn wait(&mut self, key: WaiterKey, waker: Waker, deferred: &mut Deferred) {
        if let Some(old) = self.others.get_or_insert_default().queue.insert(key, waker) {
            deferred.drop(old);
        }
    }

    /// Removes a waiter. Returns `true` if its task had not been woken.
    pub(super) fn remove(&mut self, key: WaiterKey, deferred: &mut Deferred) -> bool {
        let waker = self.take(key);
        let was_waiting = waker.is_some();
        if let Some(waker) = waker {
            deferred.drop(waker);
        }
        was_waiting
    }

    pub(super) fn is_reader(&self, waker: &Waker) -> bool {
        self.reader.as_ref().is_some_and(|known| known.will_wake(waker))
    }

    pub(super) fn is_reader_waiting(&self) -> bool {
        self.reads_as_driver || self.reader.is_some()
    }

    /// Notes that the reader is on the driver's task.
    pub(super) fn read_as_driver(&mut self, deferred: &mut Deferred) {
        self.is_reader_due = false;
        self.reads_as_driver = true;
        if let Some(old) = self.reader.take() {
            deferred.drop(old);
        }
    }

    /// Returns `true` if the reader was woken and not polled since, and clears this state.
    pub(super) fn take_reader_due(&mut self) -> bool {
        std::mem::take(&mut self.is_reader_due)
    }

    pub(super) fn set_reader(&mut self, waker: Waker, deferred: &mut Deferred) {
        self.is_reader_due = false;
        if let Some(old) = self.reader.replace(waker) {
            deferred.drop(old);
        }
    }

    /// Unregisters the reader. Returns `true` if it had not been woken.
    pub(super) fn remove_reader(&mut self, deferred: &mut Deferred) -> bool {
        self.is_reader_due = false;
        let reader = self.reader.take();
        let was_waiting = std::mem::take(&mut self.reads_as_driver) || reader.is_some();
        if let Some(waker) = reader {
            deferred.drop(waker);
        }
        was_waiting
    }

    pub(super) fn is_driver(&self, waker: &Waker) -> bool {
        self.driver.as_ref().is_some_and(|known| known.will_wake(waker))
    }

    /// Registers the task of a driver, which may be one of several, and is not registered yet.
    pub(super) fn set_driver(&mut self, waker: Waker, is_only: bool, deferred: &mut Deferred) {
        let Some(old) = self.driver.replace(waker) else { return };
        let is_known = |known: &Waker| self.driver.as_ref().is_some_and(|driver| driver.will_wake(known));
        let drivers = self.others.as_mut().map(|others| &mut others.drivers);
        let mut is_kept = is_only;
        if let Some(drivers) = drivers {
            if let Some(at) = drivers.iter().position(is_known) {
                deferred.drop(drivers.swap_remove(at));
            }
            is_kept |= drivers.iter().any(|known| known.will_wake(&old));
        }
        if is_only && self.reads_as_driver {
            // The driver has moved to another task. The reader may have stayed.
            if let Some(older) = self.reader.replace(old) {
                deferred.drop(older);
            }
        } else if is_kept {
            deferred.drop(old);
        } else {
            self.others.get_or_insert_default().drivers.push(old);
        }
        self.shrink();
    }

    /// Notes whether the only driver is polling its handler.
    pub(super) fn set_in_turn(&mut self, is_in_turn: bool) {
        self.is_in_turn = is_in_turn;
    }

    /// Returns `true`, once, if the driver's task has to be woken after the turn.
    pub(super) fn take_wake_due(&mut self) -> bool {
        std::mem::take(&mut self.is_wake_due)
    }

    /// Takes the driver's waker. The driver registers again when it is polled.
    pub(super) fn take_driver(&mut self) -> Option<Waker> {
        self.driver.take_if(|_| !self.is_in_turn)
    }

    /// Wakes the driver, which registers again when it is polled.
    pub(super) fn wake_driver(&mut self, deferred: &mut Deferred) {
        if let Some(driver) = self.take_driver() {
            deferred.wake(driver);
        }
        if let Some(others) = &mut self.others {
            for driver in others.drivers.drain(..) {
                deferred.wake(driver);
            }
            self.shrink();
        }
    }

    pub(super) fn wake_reader(&mut self, deferred: &mut Deferred) {
        if std::mem::take(&mut self.reads_as_driver) {
            self.is_reader_due = true;
            self.is_wake_due = self.is_in_turn;
            self.wake_driver(deferred);
        }
        if let Some(reader) = self.reader.take() {
            self.is_reader_due = true;
            deferred.wake(reader);
        }
    }

    /// Wakes the first future that waits for `event`, and the sinks.
    pub(super) fn wake_first(&mut self, event: Event, deferred: &mut Deferred) {
        if self.others.is_none() {
            return;
        }
        let first = self.first(WaiterKind::Future, event, event);
        self.wake_key(first, deferred);
        self.wake_kind(WaiterKind::Sink, event, event, deferred);
    }

    /// Wakes one future that waits for any event, and the sinks. Without a driver, the future does
    /// the driver's work.
    pub(super) fn wake_any(&mut self, deferred: &mut Deferred) {
        if self.others.is_none() {
            return;
        }
        let first = self.first(WaiterKind::Future, Event::Drive, Event::Over);
        self.wake_key(first, deferred);
        self.wake_kind(WaiterKind::Sink, Event::Drive, Event::Over, deferred);
    }

    fn wake_key(&mut self, key: Option<WaiterKey>, deferred: &mut Deferred) {
        if let Some(waker) = key.and_then(|key| self.take(key)) {
            deferred.wake(waker);
        }
    }

    /// Wakes all tasks that wait for an event from `from` to `to`.
    pub(super) fn wake_all(&mut self, from: Event, to: Event, deferred: &mut Deferred) {
        if self.others.is_none() {
            return;
        }
        self.wake_kind(WaiterKind::Future, from, to, deferred);
        self.wake_kind(WaiterKind::Sink, from, to, deferred);
    }

    fn wake_kind(&mut self, kind: WaiterKind, from: Event, to: Event, deferred: &mut Deferred) {
        while let Some(key) = self.first(kind, from, to) {
            self.wake_key(Some(key), deferred);
        }
    }

    fn first(&self, kind: WaiterKind, from: Event, to: Event) -> Option<WaiterKey> {
        let range = WaiterKey::new(kind, from, 0)..=WaiterKey::new(kind, to, u64::MAX);
        self.others.as_ref()?.queue.range(range).next().map(|(key, _)| *key)
    }

    fn take(&mut self, key: WaiterKey) -> Option<Waker> {
        let waker = self.others.as_mut()?.queue.remove(&key);
        self.shrink();
        waker
    }

    /// Frees the memory of tasks that no longer wait.
    fn shrink(&mut self) {
        self.others.take_if(|others| others.queue.is_empty() && others.drivers.is_empty());
    }
}

#[cfg(test)]
mod tests;
