//! The clients. Each one has many lives, one after another.

mod abuse;
mod connect;
mod deflate;
mod frame;
mod life;
mod opening;
mod side;
mod socket;
mod talk;
mod trouble;
mod world;

pub(crate) use life::live;
pub(crate) use side::{Rule, Side};
pub(crate) use world::World;
