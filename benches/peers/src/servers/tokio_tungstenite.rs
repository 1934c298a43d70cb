//! tokio-tungstenite on the bare socket.

use bytes::Bytes;
use tokio_tungstenite::{
    accept_hdr_async_with_config,
    tungstenite::{
        Message,
        handshake::server::{Callback, ErrorResponse, Request, Response},
        protocol::WebSocketConfig,
    },
};

use super::{
    conversation::{Data, converse},
    io::Io,
    limits::MAX_MESSAGE,
};

pub(super) async fn connection<IO: Io>(io: IO) {
    let mut path = String::new();
    if let Ok(socket) = accept_hdr_async_with_config(io, Path(&mut path), Some(config())).await {
        converse(socket, &path).await;
    }
}

pub(super) fn config() -> WebSocketConfig {
    WebSocketConfig::default().max_message_size(Some(MAX_MESSAGE)).max_frame_size(Some(MAX_MESSAGE))
}

/// Takes the path out of the request.
struct Path<'a>(&'a mut String);

impl Callback for Path<'_> {
    fn on_request(self, request: &Request, response: Response) -> Result<Response, ErrorResponse> {
        *self.0 = request.uri().path().to_owned();
        Ok(response)
    }
}

impl Data for Message {
    fn is_data(&self) -> bool {
        self.is_text() || self.is_binary()
    }

    fn from_bytes(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }

    fn into_bytes(self) -> Bytes {
        self.into_data()
    }
}
