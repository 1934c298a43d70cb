//! tower-websocket: its example `bench_server`.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex},
};

use http::{Request, Response};
use tokio::net::TcpListener;
use tower::service_fn;
use tower_websocket::{
    AllowOrigin, Config, Deflate, Handshake, Message, Rejection, Sender, WebSocket, WebSocketUpgradeLayer,
    rooms::Rooms,
};

use super::{limits::MAX_MESSAGE, role::Role};
use crate::compression::{Compression, Takeover};

/// How messages reach subscribers.
#[derive(Clone, Copy, Debug)]
pub(super) enum FanOut {
    Rooms,
    /// One `Sender` after the other, as an application does that has no `Rooms`.
    Senders,
}

pub(super) async fn serve(
    listener: TcpListener,
    compression: Option<Compression>,
    fan_out: FanOut,
) -> io::Result<()> {
    let mut config = Config::new()
        .allow_origin(AllowOrigin::any())
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE);
    if let Some(Compression { level, takeover }) = compression {
        config = config.deflate(Deflate::new().level(level).context_takeover(takeover == Takeover::Both));
    }
    let (rooms, senders) = (Rooms::new(), Senders::default());
    let layer = WebSocketUpgradeLayer::new(service_fn(handshake), move |socket, role| {
        let (rooms, senders) = (rooms.clone(), Arc::clone(&senders));
        async move {
            match fan_out {
                FanOut::Rooms => with_rooms(socket, role, rooms).await,
                FanOut::Senders => with_senders(socket, role, &senders).await,
            }
        }
    });
    tower_websocket::serve(listener, layer.with_config(config).into_service()).await
}

/// Attaches what the request's path asks for.
async fn handshake(request: Request<Handshake>) -> Result<Response<Role>, Rejection> {
    let role = Role::of(request.uri().path());
    Ok(request.into_body().accept(role))
}

async fn with_rooms(mut socket: WebSocket, role: Role, rooms: Rooms<usize>) {
    match role {
        Role::Echo => echo(socket).await,
        Role::Publish(count) => {
            let mut numbers = (0..count).cycle();
            while let Some(Ok(message)) = socket.recv().await {
                if let (Message::Binary(_), Some(number)) = (&message, numbers.next()) {
                    rooms.send(&number, message);
                }
            }
        }
        Role::Subscribe(number) => {
            let (sender, mut receiver) = socket.split();
            let _membership = rooms.join(number, &sender, ());
            while let Some(Ok(_)) = receiver.recv().await {}
        }
    }
}

type Senders = Arc<Mutex<HashMap<usize, Vec<Sender>>>>;

async fn with_senders(mut socket: WebSocket, role: Role, senders: &Mutex<HashMap<usize, Vec<Sender>>>) {
    let lock = || senders.lock().expect("nothing panics with the lock");
    match role {
        Role::Echo => echo(socket).await,
        Role::Publish(count) => {
            let mut numbers = (0..count).cycle();
            while let Some(Ok(message)) = socket.recv().await {
                if let (Message::Binary(_), Some(number)) = (&message, numbers.next()) {
                    let mut senders = lock();
                    senders
                        .entry(number)
                        .or_default()
                        .retain(|sender| sender.try_send(message.clone()).is_ok());
                }
            }
        }
        Role::Subscribe(number) => {
            let (sender, mut receiver) = socket.split();
            lock().entry(number).or_default().push(sender);
            while let Some(Ok(_)) = receiver.recv().await {}
        }
    }
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
            return;
        }
    }
}
