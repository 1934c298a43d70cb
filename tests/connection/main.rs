//! The open connection, in memory and in paused time: one test for each promise.

mod cancel;
mod closing;
mod cork;
mod errors;
mod keepalive;
mod limits;
mod pair;
mod shutdown;
mod split;
