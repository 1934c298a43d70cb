//! Batched writes for connections whose messages come from other tasks.
//!
//! To write, a connection's own task would have to be woken, and would poll its handler first. If
//! one message goes to a thousand connections, most of the work would be that. So such connections
//! are collected in batches, and a separate task writes each batch. Batches are small so that other
//! tasks get their turn and other threads get a share of the work.

use std::{
    cell::RefCell,
    future::Future,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    vec,
};

use tokio::runtime;

/// The maximum number of connections in a batch.
const MAX_BATCH: usize = 32;

/// A connection with unwritten messages.
pub(super) trait Deliver: Send + Sync {
    /// Writes the messages, or begins to.
    fn write(&self);

    /// Leaves the writing to the driver.
    fn defer_to_driver(&self);
}

/// Schedules a write for `connection`, whose driver runs in the runtime `home`.
pub(super) fn deliver(connection: Arc<dyn Deliver>, home: runtime::Id) {
    // Another runtime may stop or may not be polled while the connection's own runtime runs.
    let here = runtime::Handle::try_current().ok().filter(|here| here.id() == home);
    let Some(here) = here else { return connection.defer_to_driver() };
    // `None` while the thread ends: the destructor of a thread-local may use a socket.
    let open = OPEN.try_with(|open| open.borrow().clone()).ok().flatten();
    let connection = match open {
        Some((at, batch)) if at == home => batch.push(connection),
        _ => Err(connection),
    };
    let Err(connection) = connection else { return };
    let batch = Arc::new(Batch(Mutex::new(Some(vec![connection]))));
    let _ = OPEN.try_with(|open| open.replace(Some((home, Arc::clone(&batch)))));
    // After the borrow has ended, because a runtime that is shut down drops the task at once.
    here.spawn(Delivery(batch));
}

thread_local! {
    /// The batch that this thread fills, and the runtime that will write it.
    static OPEN: RefCell<Option<(runtime::Id, Arc<Batch>)>> = const { RefCell::new(None) };
}

/// Connections that are written together; `None` once the batch is closed.
struct Batch(Mutex<Option<Vec<Arc<dyn Deliver>>>>);

impl Batch {
    /// Adds a connection, or returns it if the batch is full or closed.
    fn push(&self, connection: Arc<dyn Deliver>) -> Result<(), Arc<dyn Deliver>> {
        match &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(connections) if connections.len() < MAX_BATCH => {
                connections.push(connection);
                Ok(())
            }
            _ => Err(connection),
        }
    }

    fn close(&self) -> Undelivered {
        let connections = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Undelivered(connections.unwrap_or_default().into_iter())
    }
}

/// A task that writes a batch.
struct Delivery(Arc<Batch>);

impl Future for Delivery {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let mut undelivered = self.0.close();
        while let Some(connection) = undelivered.0.as_slice().first() {
            connection.write();
            undelivered.0.next();
        }
        Poll::Ready(())
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        drop(self.0.close());
    }
}

/// The unwritten rest of a batch. Dropping it leaves the rest to the drivers.
struct Undelivered(vec::IntoIter<Arc<dyn Deliver>>);

impl Drop for Undelivered {
    fn drop(&mut self) {
        for connection in mem::take(&mut self.0) {
            connection.defer_to_driver();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::{
        runtime::{self, Handle, Runtime},
        task::yield_now,
    };

    use super::{Deliver, MAX_BATCH, deliver};

    #[derive(Default)]
    struct Fake {
        written: AtomicUsize,
        left: AtomicUsize,
        is_broken: bool,
    }

    impl Deliver for Fake {
        fn write(&self) {
            assert!(!self.is_broken, "the IO panics");
            self.written.fetch_add(1, Ordering::Relaxed);
        }

        fn defer_to_driver(&self) {
            self.left.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Fake {
        /// Returns how often it was written, and how often it was left to its driver.
        fn counts(&self) -> (usize, usize) {
            (self.written.load(Ordering::Relaxed), self.left.load(Ordering::Relaxed))
        }
    }

    fn current_thread() -> Runtime {
        runtime::Builder::new_current_thread().build().unwrap()
    }

    #[tokio::test]
    async fn connections_are_written_in_small_batches_once_the_sender_yields() {
        let home = Handle::current();
        let fakes: Vec<_> = (0..3 * MAX_BATCH).map(|_| Arc::new(Fake::default())).collect();
        for fake in &fakes {
            deliver(Arc::clone(fake) as _, home.id());
        }
        assert_eq!(home.metrics().num_alive_tasks(), 3);
        assert!(fakes.iter().all(|fake| fake.counts() == (0, 0)));
        yield_now().await;
        assert!(fakes.iter().all(|fake| fake.counts() == (1, 0)));
        assert_eq!(home.metrics().num_alive_tasks(), 0);
    }

    #[test]
    fn outside_of_the_home_runtime_the_driver_writes() {
        let (home, other) = (current_thread(), current_thread());
        let fake = Arc::new(Fake::default());
        deliver(Arc::clone(&fake) as _, home.handle().id());
        assert_eq!(fake.counts(), (0, 1));
        other.block_on(async { deliver(Arc::clone(&fake) as _, home.handle().id()) });
        assert_eq!(fake.counts(), (0, 2));
    }

    #[test]
    fn batch_dropped_by_its_runtime_is_left_to_the_drivers() {
        let home = current_thread();
        let fake = Arc::new(Fake::default());
        home.block_on(async { deliver(Arc::clone(&fake) as _, Handle::current().id()) });
        drop(home);
        assert_eq!(fake.counts(), (0, 1));
        assert_eq!(Arc::strong_count(&fake), 1);
    }

    #[tokio::test]
    async fn panic_in_a_write_does_not_affect_other_connections() {
        let fakes = [false, true, false].map(|is_broken| Arc::new(Fake { is_broken, ..Fake::default() }));
        for fake in &fakes {
            deliver(Arc::clone(fake) as _, Handle::current().id());
        }
        yield_now().await;
        assert_eq!(fakes.map(|fake| fake.counts()), [(1, 0), (0, 1), (0, 1)]);
    }
}
