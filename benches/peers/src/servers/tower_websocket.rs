//! tower-websocket: its example `bench_server`.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex},
};

use http::{Request, Response};
use tokio::net::TcpListener;
use tokio_rustls::rustls::ServerConfig;
use tower::service_fn;
use tower_websocket::{
    Acceptor, AllowOrigin, Config, Deflate, Handshake, HandshakeService, Message, Rejection, Sender,
    WebSocket, WebSocketUpgradeLayer, rooms::Rooms, server::TlsConfig,
};

use super::{io::Io, limits::MAX_MESSAGE, role::Role};
use crate::compression::{Compression, Takeover};

/// How messages reach subscribers.
#[derive(Clone, Copy, Debug)]
pub(super) enum FanOut {
    Rooms,
    /// One `Sender` after the other, as in an application without `Rooms`.
    Senders,
}

pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    compression: Option<Compression>,
    fan_out: FanOut,
) -> io::Result<()> {
    let mut config = config();
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
    let service = layer.with_config(config).into_service();
    match tls {
        Some(tls) => tower_websocket::serve_tls(listener, TlsConfig::new(tls), service).await,
        None => tower_websocket::serve(listener, service).await,
    }
}

/// Returns an acceptor of raw streams, for [`connection`].
pub(super) fn acceptor() -> Acceptor<impl HandshakeService<Extra = Role>> {
    Acceptor::new(service_fn(handshake)).with_config(config())
}

/// Serves one raw stream. It has no fan-out.
pub(super) async fn connection<IO: Io>(io: IO, acceptor: Acceptor<impl HandshakeService<Extra = Role>>) {
    let Ok((socket, role)) = acceptor.accept(io).await else { return };
    let talk = async |socket| match role {
        Role::Sink => sink(socket).await,
        _ => echo(socket).await,
    };
    socket.drive(talk).await;
}

fn config() -> Config {
    Config::new().allow_origin(AllowOrigin::any()).max_message_size(MAX_MESSAGE).max_frame_size(MAX_MESSAGE)
}

/// Attaches the role that the request's path names.
async fn handshake(request: Request<Handshake>) -> Result<Response<Role>, Rejection> {
    let role = Role::of(request.uri().path());
    Ok(request.into_body().accept(role))
}

async fn with_rooms(mut socket: WebSocket, role: Role, rooms: Rooms<usize>) {
    match role {
        Role::Echo => echo(socket).await,
        Role::Sink => sink(socket).await,
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
        Role::Sink => sink(socket).await,
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

async fn sink<IO: Io>(mut socket: WebSocket<IO>) {
    while let Some(Ok(_)) = socket.recv().await {}
}

async fn echo<IO: Io>(mut socket: WebSocket<IO>) {
    while let Some(Ok(message)) = socket.recv().await {
        if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
            return;
        }
    }
}
