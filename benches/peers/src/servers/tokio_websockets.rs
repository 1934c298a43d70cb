//! tokio-websockets on the bare socket.

use bytes::Bytes;
use tokio_websockets::{Limits, Message, ServerBuilder};

use super::{
    conversation::{Data, converse},
    io::Io,
    limits::MAX_MESSAGE,
};

pub(super) async fn connection<IO: Io>(io: IO) {
    let builder = ServerBuilder::new().limits(Limits::default().max_payload_len(Some(MAX_MESSAGE)));
    if let Ok((request, socket)) = builder.accept(io).await {
        converse(socket, request.uri().path()).await;
    }
}

impl Data for Message {
    fn is_data(&self) -> bool {
        self.is_text() || self.is_binary()
    }

    fn from_bytes(bytes: Bytes) -> Self {
        Self::binary(bytes)
    }

    fn into_bytes(self) -> Bytes {
        self.into_payload().into()
    }
}
