//! The tungstenite stream inside a connection.

use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tungstenite::protocol::{Role, WebSocketConfig};

use super::fragments::Fragments;
use crate::{config::Config, io::Transport};

/// tokio-tungstenite's stream over our transport.
pub(super) type Inner<IO> = WebSocketStream<Transport<IO>>;

/// How large tungstenite's read buffer is: it is held for as long as the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// For a connection that is idle or has little to say.
    Small,
    /// For one that is busy: tungstenite takes as much at a time as its buffer holds.
    Large,
}

impl Size {
    const fn bytes(self) -> usize {
        match self {
            Self::Small => 64,
            Self::Large => 4 * 1024,
        }
    }
}

/// tungstenite's write buffer is written out when it holds more than this many bytes.
const WRITE_BUFFER: usize = 64 * 1024;

/// The largest header of a frame that is not masked, in bytes.
pub(super) const MAX_HEADER: usize = 10;

/// The largest frame that this crate makes, in bytes.
pub(super) const MAX_FRAME: usize = Fragments::SIZE + MAX_HEADER;

/// A fresh stream over `transport`, which is at the beginning of a message.
pub(super) fn stream<IO>(transport: Transport<IO>, config: &Config, size: Size) -> Inner<IO>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let config = WebSocketConfig::default()
        .read_buffer_size(size.bytes())
        .write_buffer_size(WRITE_BUFFER)
        // Over the limit at which sending waits there is room for what tungstenite itself answers.
        .max_write_buffer_size(config.max_write_buffer_size.saturating_add(WRITE_BUFFER + 2 * MAX_FRAME))
        .max_message_size(Some(config.max_message_size))
        .max_frame_size(Some(config.max_frame_size));
    WebSocketStream::from_raw_socket(transport, Role::Server, Some(config))
        .now_or_never()
        .expect("there is no handshake to wait for")
}
