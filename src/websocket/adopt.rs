//! Connections that have nobody to look after them.

use std::sync::Arc;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime,
};

use super::{
    agreement::Agreement,
    closing::CloseCode,
    connection::Connection,
    delivery::{Deliver, deliver},
    driver::Driver,
    shared::{Actions, Shared},
};

/// A connection to be shared, which is looked after when nobody else does.
pub(super) fn share<IO>(io: IO, unread: &[u8], agreement: Agreement) -> Arc<Shared<IO>>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let deliver = |shared: &Arc<_>, home| deliver(Arc::clone(shared) as _, home);
    Shared::new(Connection::new(io, unread, agreement), Actions { abandon, adopt, deliver })
}

/// Begins the closing handshake, and has it finished.
fn abandon<IO>(shared: &Arc<Shared<IO>>, code: CloseCode)
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    if let Some(mut connection) = shared.try_lock() {
        connection.abandon(code);
    }
    adopt(shared);
}

/// Has a connection without a driver driven in the background. Outside of a runtime there is none: then only what
/// can be done at once is done.
fn adopt<IO>(shared: &Arc<Shared<IO>>)
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let Some(mut connection) = shared.try_lock() else { return };
    if connection.is_over() || connection.wakers().is_driven() {
        return;
    }
    match runtime::Handle::try_current() {
        Ok(runtime) => {
            drop(connection);
            runtime.spawn(Driver::background(Arc::clone(shared)));
        }
        Err(_) => connection.part(),
    }
}

impl<IO: AsyncRead + AsyncWrite + Send + Unpin> Deliver for Shared<IO> {
    fn write(&self) {
        if let Some(mut connection) = self.try_lock() {
            connection.deliver();
        }
    }

    fn leave(&self) {
        if let Some(mut connection) = self.try_lock() {
            connection.wakers().end_delivery();
            connection.wakers().wake_driver();
        }
    }
}
