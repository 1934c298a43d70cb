//! Real processes, a real nats-server, a real nginx. Where the latter two are not there, what needs
//! them is skipped, loudly, unless `REQUIRE_SERVERS=1` is set.

mod alone;
mod client;
mod nats;
mod nginx;
mod process;
