//! Counts open sockets, and closes them on shutdown.

mod handle;
mod open_socket;
mod spread;
mod stage;
mod state;
mod wakers;

pub use handle::Shutdown;
pub(crate) use open_socket::OpenSocket;
pub(crate) use stage::Stage;
