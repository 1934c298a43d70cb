//! The server, a process of its own, so that what it costs is measured alone.

mod account;
mod handler;
mod output;
mod ports;
mod role;
mod service;

pub(crate) use role::run;
