//! Spans and events of the feature `tracing`; disabled without the feature, at no cost.

#[cfg(not(feature = "tracing"))]
mod disabled;
#[cfg(feature = "tracing")]
mod enabled;

#[cfg(all(feature = "server", not(feature = "tracing")))]
pub(crate) use disabled::accept_failed;
#[cfg(all(feature = "tls", not(feature = "tracing")))]
pub(crate) use disabled::tls_failed;
#[cfg(not(feature = "tracing"))]
pub(crate) use disabled::{
    IS_ENABLED, RequestTrace, Scope, Trace, handler_failed, tcp_failed, upgrade_failed,
};
#[cfg(all(feature = "server", feature = "tracing"))]
pub(crate) use enabled::accept_failed;
#[cfg(all(feature = "tls", feature = "tracing"))]
pub(crate) use enabled::tls_failed;
#[cfg(feature = "tracing")]
pub(crate) use enabled::{
    IS_ENABLED, RequestTrace, Scope, Trace, handler_failed, tcp_failed, upgrade_failed,
};
