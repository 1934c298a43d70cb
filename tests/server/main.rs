//! The standalone server: HTTP/2, TLS, several listeners, deadlines, limits, shutdown.
//!
//! In memory and with paused time where it is about time, on real sockets where it is about those.
//! `load` holds many connections open, in a small form here; its large form is run by
//!
//! ```sh
//! ulimit -n 20000; cargo test --release --all-features --test server -- --ignored --nocapture --test-threads 1
//! ```

mod axum;
mod client;
mod deadlines;
mod drain;
mod http2;
mod limits;
mod listeners;
mod load;
mod memory;
mod service;
mod tls;
