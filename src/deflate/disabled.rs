//! Nothing.

use std::io;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header::SEC_WEBSOCKET_EXTENSIONS};
use tokio::io::ReadBuf;
use tungstenite::{
    Error, Message,
    protocol::frame::{FrameHeader, coding::Data},
};

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

    /// Nothing was offered, so nothing may be answered.
    pub(crate) fn settle(&self, response: &mut HeaderMap) -> Agreed {
        response.remove(SEC_WEBSOCKET_EXTENSIONS);
        Agreed(())
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Agreed(());

impl Agreed {
    pub(crate) fn inbound(&self, _: usize) -> Inbound {
        Inbound
    }

    pub(crate) fn outbound(&self) -> Outbound {
        Outbound
    }

    pub(crate) fn inflater(&self) -> Inflater {
        Inflater
    }

    pub(crate) fn deflater(&self) -> Deflater {
        Deflater
    }
}

#[derive(Debug)]
pub(crate) struct Inbound;

#[derive(Debug)]
#[expect(dead_code, reason = "nothing is inflated")]
pub(crate) enum Halt {
    Failed(io::Error),
    Pause,
}

impl Inbound {
    pub(crate) fn is_on(&self) -> bool {
        false
    }

    pub(crate) fn take(&mut self, _: &FrameHeader, _: usize) -> Option<Message> {
        None
    }

    pub(crate) fn takes(&self, _: &FrameHeader, _: bool) -> bool {
        false
    }

    pub(crate) fn is_busy(&self) -> bool {
        false
    }

    pub(crate) fn begin(&mut self, _: &FrameHeader, _: u64) {}

    pub(crate) fn inflate(&mut self, _: &mut &[u8]) -> Option<(FrameHeader, u64)> {
        None
    }

    pub(crate) fn write(&mut self, _: &mut ReadBuf<'_>) -> bool {
        false
    }

    pub(crate) fn halt(&mut self) -> Option<Halt> {
        None
    }
}

#[derive(Debug)]
pub(crate) struct Outbound;

impl Outbound {
    pub(crate) fn compress(&mut self, message: Message) -> Message {
        message
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

    /// Nothing is compressed, so nothing comes here.
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
    pub(crate) fn applies(&self, _: &Message) -> bool {
        false
    }

    pub(crate) fn compress(&mut self, _: &Message) -> Option<(Data, Bytes)> {
        None
    }
}

pub(crate) fn is_bad_data(_: &io::Error) -> bool {
    false
}
