//! The standalone server: HTTP/2, TLS, several listeners, deadlines, limits, shutdown.
//!
//! Tests of timeouts run in memory and in paused time, tests of sockets on real ones. `load` holds
//! many connections open. It has a small form here, and a large form:
//!
//! ```sh
//! ulimit -n 20000
//! cargo test --release --all-features --test server -- --ignored --nocapture --test-threads 1
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
mod slow_links;
mod tls;
