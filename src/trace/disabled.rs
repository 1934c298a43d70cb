//! Nothing.

use std::io;

use http::{HeaderValue, request::Parts};

use crate::{Ended, HandshakeError, UpgradeError};

#[derive(Clone, Debug)]
pub(crate) struct Trace;

impl Trace {
    pub(crate) fn new(_: &Parts) -> Self {
        Self
    }

    pub(crate) fn refused(&self, _: &HandshakeError) {}

    pub(crate) fn accepted(&self, _: Option<&HeaderValue>) {}

    pub(crate) fn received(&mut self, _: usize) {}

    pub(crate) fn sent(&mut self, _: usize) {}

    pub(crate) fn ended(&mut self, _: Option<&Ended>) {}

    pub(crate) fn scope(&self) -> Scope {
        Scope
    }
}

#[derive(Debug)]
pub(crate) struct Scope;

impl Scope {
    pub(crate) fn enter<R>(&self, f: impl FnOnce() -> R) -> R {
        f()
    }
}

pub(crate) fn upgrade_failed(_: &UpgradeError) {}

pub(crate) fn accept_failed(_: &io::Error) {}

#[cfg(feature = "tls")]
pub(crate) fn tls_failed(_: &io::Error) {}
