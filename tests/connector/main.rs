//! The client's side: `Connector`, and the socket that it opens.

mod checks;
mod closing;
mod failures;
mod foreign;
#[cfg(feature = "http2")]
mod over_http2;
mod own_server;
mod raw_server;
mod wire;
