//! Headless Chromium as the client of the server. `.ci/run` installs it.

mod browser;
#[cfg(feature = "json")]
mod chat;
#[cfg(feature = "deflate")]
mod deflate;
mod plain;
#[cfg(feature = "tls")]
mod secure;
