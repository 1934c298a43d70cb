//! sockudo-ws on the bare socket.

use std::io;

use bytes::{Bytes, BytesMut};
use sockudo_ws::{
    CompressedWebSocketStream, Config, DeflateConfig, ExtendedConnectRequest, Http2, Message, Role,
    WebSocketServer, WebSocketStream,
    handshake::{build_response, generate_accept_key, parse_request, server_handshake},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::compression::{Compression, Takeover};

use super::{
    conversation::{Data, converse},
    io::Io,
    limits::MAX_MESSAGE,
};

pub(super) async fn connection<IO: Io>(mut io: IO, compression: Option<Compression>) {
    let config = config();
    if let Some(Compression { level, takeover }) = compression {
        let deflate = DeflateConfig {
            compression_level: level.into(),
            server_no_context_takeover: takeover != Takeover::Both,
            client_no_context_takeover: takeover == Takeover::Nobody,
            ..DeflateConfig::default()
        };
        if let Ok((path, leftover)) = compressed_handshake(&mut io, &deflate).await {
            let socket = CompressedWebSocketStream::server_with_leftover(io, config, deflate, leftover);
            converse(socket, &path).await;
        }
        return;
    }
    if let Ok(handshake) = server_handshake(&mut io).await {
        let socket = WebSocketStream::from_raw_with_leftover(io, Role::Server, config, handshake.leftover);
        converse(socket, &handshake.path).await;
    }
}

/// Returns a server of WebSockets over HTTP/2.
pub(super) fn http2_server() -> WebSocketServer<Http2> {
    WebSocketServer::<Http2>::new(config())
}

pub(super) async fn http2_connection<IO: Io>(io: IO, server: WebSocketServer<Http2>) {
    let talk = |socket, request: ExtendedConnectRequest| async move { converse(socket, &request.path).await };
    // It fails if the client goes away.
    let _ = server.serve(io, talk).await;
}

fn config() -> Config {
    Config {
        max_message_size: MAX_MESSAGE,
        max_frame_size: MAX_MESSAGE,
        auto_ping: false,
        idle_timeout: 0,
        ..Config::default()
    }
}

/// The crate's own handshake on a bare socket has no extensions. Returns the path, and the bytes
/// after the request.
async fn compressed_handshake(
    io: &mut impl Io,
    deflate: &DeflateConfig,
) -> io::Result<(String, Option<Bytes>)> {
    let mut bytes = BytesMut::with_capacity(4096);
    loop {
        if io.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some((request, length)) = parse_request(&bytes).map_err(io::Error::other)? {
            let (path, key) = (request.path.to_string(), generate_accept_key(request.key));
            let response = build_response(&key, None, Some(&deflate.to_response_header()));
            io.write_all(&response).await?;
            let rest = bytes.split_off(length).freeze();
            return Ok((path, (!rest.is_empty()).then_some(rest)));
        }
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
