//! Headless Chromium against the server. `.ci/run` installs what it needs.

mod browser;
mod plain;
#[cfg(feature = "tls")]
mod secure;
