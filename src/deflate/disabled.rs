//! The stand-in for builds without compression.

use std::io;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header::SEC_WEBSOCKET_EXTENSIONS};
use tungstenite::{Error, Message, protocol::frame::coding::Data};

use crate::header::extensions;

#[derive(Clone, Debug, Default)]
pub(crate) struct Settings(());

#[derive(Clone, Debug, Default)]
pub(crate) struct Offers(());

impl Offers {
    pub(crate) fn new(_: &HeaderMap, _: &Settings) -> Self {
        Self(())
    }

    pub(crate) fn answer(&self) -> Option<HeaderValue> {
        None
    }

    /// Removes the header, because the client offered nothing that may be answered.
    pub(crate) fn settle(&self, response: &mut HeaderMap) -> NegotiatedDeflate {
        response.remove(SEC_WEBSOCKET_EXTENSIONS);
        NegotiatedDeflate(())
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct OwnOffer(());

impl OwnOffer {
    pub(crate) fn new(_: &Settings) -> Self {
        Self(())
    }

    pub(crate) fn value(&self) -> Option<HeaderValue> {
        None
    }

    /// Accepts only a response without extensions, because nothing was offered.
    pub(crate) fn accept(&self, response: &HeaderMap) -> Option<NegotiatedDeflate> {
        extensions(response).next().is_none().then_some(NegotiatedDeflate(()))
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct NegotiatedDeflate(());

impl NegotiatedDeflate {
    pub(crate) fn inflater(&self) -> Inflater {
        Inflater
    }

    pub(crate) fn deflater(&self) -> Deflater {
        Deflater
    }
}

#[derive(Debug)]
pub(crate) struct Inflater;

#[derive(Debug)]
pub(crate) struct Inflated {
    pub(crate) consumed: usize,
    pub(crate) is_full: bool,
    pub(crate) is_done: bool,
}

impl Inflater {
    pub(crate) fn is_on(&self) -> bool {
        false
    }

    pub(crate) fn begin(&mut self) {}

    /// Never called, because no message is compressed.
    pub(crate) fn inflate(
        &mut self,
        _: &[u8],
        _: bool,
        _: usize,
        _: impl FnOnce(&[u8], bool) -> Result<(), Error>,
    ) -> Result<Inflated, Error> {
        Err(io::Error::from(io::ErrorKind::Unsupported).into())
    }
}

#[derive(Debug)]
pub(crate) struct Deflater;

impl Deflater {
    pub(crate) fn standalone(&self) -> Option<Standalone> {
        None
    }

    pub(crate) fn applies(&self, _: &Message) -> bool {
        false
    }

    pub(crate) fn compress(&mut self, _: &Message) -> Option<(Data, Bytes)> {
        None
    }

    pub(crate) fn begin_pieces(&mut self) {}

    /// Never called, because no message is compressed.
    pub(crate) fn compress_piece(&mut self, _: &[u8]) -> io::Result<Bytes> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn end_pieces(&mut self) -> &'static [u8] {
        &[]
    }

    pub(crate) fn forget(&mut self) {}
}

/// Has no values, because no message is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standalone {}

impl Standalone {
    pub(crate) fn applies(&self, _: &Message) -> bool {
        match *self {}
    }

    pub(crate) fn compress(&self, _: &Message) -> Option<(Data, Bytes)> {
        match *self {}
    }
}

pub(crate) fn is_bad_data(_: &io::Error) -> bool {
    false
}
