//! The server without HTTP/2.

use std::{
    convert::Infallible,
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;

use crate::io::HoldIo;
use crate::server::{
    drive::HttpConnection,
    idle::{Activity, IdlePolicy},
    tls::TlsInfo,
};

/// Stands for an HTTP/2 client and its connection. Without the feature, neither exists.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Http2(Infallible);

impl Http2 {
    pub(in crate::server) async fn detect<IO>(_: &mut IO) -> io::Result<(Option<Self>, Bytes)> {
        Ok((None, Bytes::new()))
    }

    pub(in crate::server) fn agreed(_: &TlsInfo) -> Option<Self> {
        None
    }
}

/// Stands for a request for a WebSocket over HTTP/2.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Opening(Infallible);

impl Opening {
    pub(in crate::server) fn new(_: &Arc<Activity>) -> Self {
        unreachable!("without the feature, there is no request over HTTP/2")
    }

    pub(in crate::server) fn hold_io(&self) -> HoldIo {
        match self.0 {}
    }

    pub(in crate::server) fn on_response(self) {
        match self.0 {}
    }
}

impl Future for Http2 {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        match self.0 {}
    }
}

impl HttpConnection for Http2 {
    fn graceful_shutdown(self: Pin<&mut Self>) {
        match self.0 {}
    }
}

#[derive(Clone, Debug, Default)]
pub(in crate::server) struct Http2Settings(());

impl Http2Settings {
    pub(in crate::server) fn idle_policy(&self) -> IdlePolicy {
        IdlePolicy::Http2(Duration::MAX)
    }

    pub(in crate::server) fn connection<IO, R>(
        &self,
        http2: Http2,
        _: usize,
        _: &Arc<Activity>,
        _: IO,
        _: R,
    ) -> Http2 {
        match http2.0 {}
    }
}
