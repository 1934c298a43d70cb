//! Tracing without the feature `tracing`: records nothing.

use std::{error::Error, io};

use crate::metrics::{Summary, id::WebSocketId};
use http::{HeaderValue, StatusCode, request::Parts};

/// Whether tracing is enabled.
pub(crate) const IS_ENABLED: bool = false;

#[derive(Clone, Debug)]
pub(crate) struct RequestTrace;

impl RequestTrace {
    pub(crate) fn new(_: &Parts) -> Self {
        Self
    }

    pub(crate) fn rejected(&self, _: StatusCode, _: &dyn Error) {}

    pub(crate) fn accepted(self, _: WebSocketId, _: Option<&HeaderValue>) -> Trace {
        Trace
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Trace;

impl Trace {
    pub(crate) fn ended(self, _: &Summary) {}

    pub(crate) fn scope(&self) -> Scope {
        Scope
    }
}

#[derive(Debug, Default)]
pub(crate) struct Scope;

impl Scope {
    pub(crate) fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        f()
    }
}

pub(crate) fn upgrade_failed(_: &dyn Error) {}

pub(crate) fn handler_failed(_: &str, _: bool) {}

pub(crate) fn tcp_failed(_: &io::Error) {}

#[cfg(feature = "server")]
pub(crate) fn accept_failed(_: &io::Error) {}

#[cfg(feature = "tls")]
pub(crate) fn tls_failed(_: &io::Error) {}
