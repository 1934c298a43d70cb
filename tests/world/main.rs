//! The open connection in the world as it is: real sockets, slow peers, handlers that block or
//! compute, tasks on several threads, code that is not ours, and hostile frames. Only the public
//! API is used.
//!
//! `cargo test --all-features --test world -- --ignored` runs the same cases at their real size,
//! which takes minutes.

#[allow(dead_code, reason = "another test needs all of it")]
#[path = "../server/client.rs"]
mod authority;
mod blocking;
mod choices;
mod ended;
mod foreign;
mod frames;
mod life;
mod nginx;
mod peer;
mod site;
mod slow;
mod trial;
mod waiters;
