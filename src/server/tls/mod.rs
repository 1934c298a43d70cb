//! TLS on the server; disabled without the feature `tls`.

#[cfg(not(feature = "tls"))]
mod disabled;
#[cfg(feature = "tls")]
mod enabled;
#[cfg(feature = "tls")]
mod info;

#[cfg(not(feature = "tls"))]
pub(super) use disabled::{TlsConfig, TlsInfo};
#[cfg(feature = "tls")]
pub use enabled::{TlsConfig, TlsError};
#[cfg(feature = "tls")]
pub use info::TlsInfo;
