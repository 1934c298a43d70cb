//! yawc in a hyper service.

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::Empty;
use hyper::{Request, Response, body::Incoming};
use tokio::net::TcpStream;
use yawc::{Frame, OpCode, Options, WebSocket};

use super::{
    conversation::{Data, converse},
    hyper_connection::hyper_connection,
    limits::MAX_MESSAGE,
};

pub(super) async fn connection(io: TcpStream) {
    hyper_connection(io, respond).await;
}

fn respond(mut request: Request<Incoming>) -> Response<Empty<Bytes>> {
    let path = request.uri().path().to_owned();
    // By default it does not check UTF-8, as all others do; the second limit is that of its read buffer.
    let options =
        Options::default().with_limits(MAX_MESSAGE, 2 * MAX_MESSAGE).with_utf8().without_compression();
    let (response, socket) =
        WebSocket::upgrade_with_options(&mut request, options).expect("all requests are upgrades");
    tokio::spawn(async move {
        if let Ok(socket) = socket.await {
            // It is a stream of frames that ends at the first error.
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
