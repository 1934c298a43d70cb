//! What the feature `tracing` records; without it, nothing, at no cost.

#[cfg(not(feature = "tracing"))]
mod disabled;
#[cfg(feature = "tracing")]
mod enabled;

#[cfg(not(feature = "tracing"))]
pub(crate) use disabled::{Scope, Trace, accept_failed, upgrade_failed};
#[cfg(feature = "tracing")]
pub(crate) use enabled::{Scope, Trace, accept_failed, upgrade_failed};
