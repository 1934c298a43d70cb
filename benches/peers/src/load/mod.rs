//! The loads: one thread, level-triggered epoll, and frames that are built beforehand.

mod background;
mod connection;
mod echo;
mod epoll;
mod fan;
mod frames;
mod idle;
mod kernel;
mod latency;
mod multiplexed;
mod opening;
mod population;
mod sample;
mod shake;
mod single;
mod socket;
mod target;
mod trust;

pub(crate) use echo::Echo;
pub(crate) use fan::Fan;
pub(crate) use idle::Idle;
pub(crate) use latency::Latency;
pub(crate) use population::Population;
pub(crate) use sample::Sample;
pub(crate) use shake::Shake;
pub(crate) use target::Target;
pub(crate) use trust::trust;
