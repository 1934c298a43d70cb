//! The opening handshake over HTTP/1.1.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The negotiated compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    /// Each message is compressed separately.
    Deflate,
    /// With context takeover.
    Takeover,
}

impl Form {
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Plain => "/plain/",
            Self::Deflate => "/deflate/",
            Self::Takeover => "/takeover/",
        }
    }

    pub(crate) fn offer(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Deflate => {
                Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover")
            }
            Self::Takeover => Some("permessage-deflate"),
        }
    }
}

/// Returns a request to open a WebSocket at `path`, with more header lines.
pub(crate) fn request(path: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}

/// Returns the request that opens the socket of `id`.
pub(crate) fn open(id: u64, form: Form) -> String {
    let offer = form.offer().map(|offer| format!("Sec-WebSocket-Extensions: {offer}\r\n"));
    request(&format!("{}{id}", form.folder()), &offer.unwrap_or_default())
}

/// Reads a response's head, and returns its status. The data after it stays in `input`.
pub(crate) async fn status(io: &mut (impl AsyncRead + Unpin), input: &mut BytesMut) -> io::Result<u16> {
    loop {
        if let Some(end) = input.windows(4).position(|end| end == b"\r\n\r\n") {
            let head = input.split_to(end + 4);
            let status = std::str::from_utf8(&head).ok().and_then(|head| head.get(9..12)?.parse().ok());
            return status.ok_or_else(|| io::Error::other("no HTTP"));
        }
        if io.read_buf(input).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}
