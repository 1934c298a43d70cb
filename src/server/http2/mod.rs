//! HTTP/2 on the server; disabled without the feature `http2`.

#[cfg(not(feature = "http2"))]
mod disabled;
#[cfg(feature = "http2")]
mod enabled;
#[cfg(feature = "http2")]
mod preface;
#[cfg(feature = "http2")]
mod streams;

#[cfg(not(feature = "http2"))]
pub(super) use disabled::{Http2, Http2Settings, Opening};
#[cfg(feature = "http2")]
pub(super) use enabled::{Http2, Http2Settings};
#[cfg(feature = "http2")]
pub(super) use streams::Opening;
