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

use tokio::runtime::{self, RuntimeFlavor};

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
    if here.runtime_flavor() == RuntimeFlavor::MultiThread {
        // Moves the task out of the worker's LIFO slot, from which no other worker takes it while
        // this task computes.
        drop(here.spawn(async {}));
    }
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
mod tests;
