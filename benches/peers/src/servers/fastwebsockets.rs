//! fastwebsockets in a hyper service.

use bytes::Bytes;
use fastwebsockets::{
    FragmentCollector, Frame, OpCode, Payload, WebSocket,
    upgrade::{UpgradeFut, upgrade},
};
use http_body_util::Empty;
use hyper::{Request, Response, body::Incoming, upgrade::Upgraded};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{hyper_connection::hyper_connection, limits::MAX_MESSAGE, topic::topic};

type Socket = WebSocket<TokioIo<Upgraded>>;

pub(super) async fn connection(io: TcpStream) {
    hyper_connection(io, respond).await;
}

fn respond(mut request: Request<Incoming>) -> Response<Empty<Bytes>> {
    let path = request.uri().path().to_owned();
    let (response, socket) = upgrade(&mut request).expect("all requests are upgrades");
    tokio::spawn(converse(socket, path));
    response
}

async fn converse(socket: UpgradeFut, path: String) {
    let Ok(mut socket) = socket.await else { return };
    socket.set_max_message_size(MAX_MESSAGE);
    match path.as_str() {
        "/pub" => publish(socket).await,
        "/sub" => subscribe(socket).await,
        _ => echo(socket).await,
    }
}

async fn echo(socket: Socket) {
    let mut socket = FragmentCollector::new(socket);
    while let Ok(frame) = socket.read_frame().await {
        let is_over = match frame.opcode {
            OpCode::Text | OpCode::Binary => socket.write_frame(frame).await.is_err(),
            opcode => opcode == OpCode::Close,
        };
        if is_over {
            return;
        }
    }
}

async fn publish(mut socket: Socket) {
    while let Ok(frame) = socket.read_frame().await {
        if frame.opcode == OpCode::Binary {
            // Without a subscriber it goes nowhere.
            let _ = topic().send(Bytes::copy_from_slice(&frame.payload));
        }
    }
}

/// Reading is not cancel safe here, so reading and writing have a task each.
async fn subscribe(socket: Socket) {
    let mut messages = topic().subscribe();
    let (mut read, mut write) = socket.split(tokio::io::split);
    let reader = tokio::spawn(async move {
        let mut answer = async |_: Frame<'_>| Ok::<_, std::io::Error>(());
        while read.read_frame(&mut answer).await.is_ok() {}
    });
    while let Ok(bytes) = messages.recv().await {
        if write.write_frame(Frame::binary(Payload::Borrowed(&bytes))).await.is_err() {
            break;
        }
    }
    reader.abort();
}
