//! The loads: one thread, level-triggered epoll, frames built beforehand.

mod echo;
mod epoll;
mod fan;
mod idle;
mod sample;
mod shake;
mod socket;
mod target;

pub(crate) use echo::Echo;
pub(crate) use fan::Fan;
pub(crate) use idle::Idle;
pub(crate) use sample::Sample;
pub(crate) use shake::Shake;
pub(crate) use target::Target;
