//! yawc in a hyper service.

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::Empty;
use hyper::{Request, Response, body::Incoming};
use yawc::{CompressionLevel, DeflateOptions, DeflatePool, Frame, OpCode, Options, WebSocket};

use crate::{
    compression::{Compression, Takeover},
    setup::Transport,
};

use super::{
    conversation::{Data, converse},
    hyper_connection::{http2_connection, hyper_connection},
    io::Io,
    limits::MAX_MESSAGE,
};

pub(super) fn options(compression: Option<Compression>) -> Options {
    // By default it does not check UTF-8, unlike the others. The second limit is that of its read
    // buffer.
    let options = Options::default().with_limits(MAX_MESSAGE, 2 * MAX_MESSAGE).with_utf8();
    let Some(Compression { level, takeover }) = compression else { return options.without_compression() };
    let compression = DeflateOptions {
        level: CompressionLevel::new(level.into()),
        server_no_context_takeover: takeover != Takeover::Both,
        client_no_context_takeover: takeover == Takeover::Nobody,
        ..DeflateOptions::default()
    };
    Options { compression: Some(compression), ..options }
}

/// Adds the settings that its documentation recommends for many idle connections.
pub(super) fn pooled(options: Options) -> Options {
    options
        .with_deflate_pool(DeflatePool::new(64))
        .with_compression_threshold(64)
        .with_read_buffer_capacity(1024)
        .with_write_buffer_capacity(1024)
}

pub(super) async fn connection<IO: Io>(io: IO, options: Options, transport: Transport) {
    let respond = move |request| respond(request, options.clone());
    match transport {
        Transport::Http2 => http2_connection(io, respond).await,
        Transport::Tcp | Transport::Tls => hyper_connection(io, respond).await,
    }
}

fn respond(mut request: Request<Incoming>, options: Options) -> Response<Empty<Bytes>> {
    let path = request.uri().path().to_owned();
    let (response, socket) =
        WebSocket::upgrade_with_options(&mut request, options).expect("all requests are upgrades");
    tokio::spawn(async move {
        if let Ok(socket) = socket.await {
            // The socket is a stream of frames that ends at the first error.
            converse(socket.map(Ok::<_, yawc::WebSocketError>), &path).await;
        }
    });
    response
}

impl Data for Frame {
    fn is_data(&self) -> bool {
        matches!(self.opcode(), OpCode::Text | OpCode::Binary)
    }

    fn from_bytes(bytes: Bytes) -> Self {
        Self::binary(bytes)
    }

    fn into_bytes(self) -> Bytes {
        self.into_payload()
    }
}
