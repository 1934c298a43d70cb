//! The open connection under real conditions: real sockets, slow peers, handlers that block or
//! compute, tasks on several threads, foreign code, and hostile frames. The tests use only the
//! public API.
//!
//! `cargo test --all-features --test world -- --ignored slow::` runs the slow peers at their real
//! size, which takes minutes. `LONG=1` tries the races more often.

#[allow(dead_code, reason = "another test needs all of it")]
#[path = "../server/client.rs"]
mod authority;
mod blocking;
mod choices;
mod ended;
mod foreign;
mod form;
mod frames;
mod life;
mod nginx;
mod peer;
mod site;
mod slow;
mod trial;
mod waiters;
