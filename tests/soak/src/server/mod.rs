//! The server, in a process of its own, so that its resources are measured separately.

mod account;
mod handler;
mod output;
mod ports;
mod role;
mod service;

pub(crate) use role::run;
