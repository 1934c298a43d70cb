//! Tests with real processes, a real nats-server and a real nginx. Tests without an installed
//! nats-server or nginx print that they are skipped, and fail if `REQUIRE_SERVERS=1` is set.

mod alone;
mod client;
mod nats;
mod nginx;
mod process;
