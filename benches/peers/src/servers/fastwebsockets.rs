//! fastwebsockets in a hyper service.

use bytes::Bytes;
use fastwebsockets::{
    FragmentCollector, Frame, OpCode, Payload, WebSocket,
    upgrade::{UpgradeFut, upgrade},
};
use http_body_util::Empty;
use hyper::{Request, Response, body::Incoming, upgrade::Upgraded};
use hyper_util::rt::TokioIo;

use super::{
    hyper_connection::hyper_connection,
    io::Io,
    limits::MAX_MESSAGE,
    role::Role,
    topic::{topic, topics},
};

type Socket = WebSocket<TokioIo<Upgraded>>;

pub(super) async fn connection<IO: Io>(io: IO) {
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
    match Role::of(&path) {
        Role::Publish(count) => publish(socket, count).await,
        Role::Subscribe(number) => subscribe(socket, number).await,
        Role::Echo => echo(socket).await,
        Role::Sink => sink(socket).await,
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

async fn sink(socket: Socket) {
    let mut socket = FragmentCollector::new(socket);
    while socket.read_frame().await.is_ok_and(|frame| frame.opcode != OpCode::Close) {}
}

async fn publish(mut socket: Socket, count: usize) {
    let mut topics = topics(count);
    while let Ok(frame) = socket.read_frame().await {
        if let (OpCode::Binary, Some(topic)) = (frame.opcode, topics.next()) {
            // Without a subscriber, there is nothing to do.
            let _ = topic.send(Bytes::copy_from_slice(&frame.payload));
        }
    }
}

/// Reading is not cancel safe in this crate, so reading and writing have a task each.
async fn subscribe(socket: Socket, number: usize) {
    let mut messages = topic(number).subscribe();
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
