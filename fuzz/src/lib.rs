//! The checks of each fuzz target, in a module of its name, and the references that they use. Of
//! the references, only `socket` uses the crate.

pub mod client;
pub mod connection;
pub mod extensions;
pub mod frames;
pub mod handshake;
pub mod headers;
pub mod inflate;

pub mod digest;
pub mod head;
pub mod inflater;
pub mod input;
pub mod lists;
pub mod opening;
pub mod output;
pub mod pipe;
pub mod reader;
pub mod runtime;
pub mod scripted;
pub mod socket;
pub mod wire;
