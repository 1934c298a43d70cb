//! sockudo-ws on the bare socket.

use bytes::Bytes;
use sockudo_ws::{Config, Message, Role, WebSocketStream, handshake::server_handshake};
use tokio::net::TcpStream;

use super::{
    conversation::{Data, converse},
    limits::MAX_MESSAGE,
};

pub(super) async fn connection(mut io: TcpStream) {
    let config = Config {
        max_message_size: MAX_MESSAGE,
        max_frame_size: MAX_MESSAGE,
        auto_ping: false,
        idle_timeout: 0,
        ..Config::default()
    };
    if let Ok(handshake) = server_handshake(&mut io).await {
        let socket = WebSocketStream::from_raw_with_leftover(io, Role::Server, config, handshake.leftover);
        converse(socket, &handshake.path).await;
    }
}

impl Data for Message {
    fn is_data(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_))
    }

    fn from_bytes(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::Binary(bytes) | Self::Text(bytes) => bytes,
            _ => Bytes::new(),
        }
    }
}
