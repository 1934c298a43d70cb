//! Headless Chromium against the server. `.ci/run` installs what it needs.

mod browser;
#[cfg(feature = "json")]
mod chat;
#[cfg(feature = "deflate")]
mod deflate;
mod plain;
#[cfg(feature = "tls")]
mod secure;
