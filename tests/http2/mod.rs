//! A client of raw HTTP/2, for all tests that need one.
#![allow(dead_code, reason = "no test binary needs all of it")]

mod client;
mod stream;

pub(crate) use client::{Client, connect};
pub(crate) use stream::Stream;
