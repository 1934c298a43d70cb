//! tower-websocket: its example `bench_server`.

use std::{
    io,
    sync::{Arc, Mutex},
};

use http::{Request, Response};
use tokio::net::TcpListener;
use tower::service_fn;
use tower_websocket::{
    AllowOrigin, Config, Deflate, Handshake, Message, Rejection, Sender, WebSocket, WebSocketUpgradeLayer,
};

use super::limits::MAX_MESSAGE;
use crate::compression::{Compression, Takeover};

pub(super) async fn serve(listener: TcpListener, compression: Option<Compression>) -> io::Result<()> {
    let mut config = Config::new()
        .allow_origin(AllowOrigin::any())
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE);
    if let Some(Compression { level, takeover }) = compression {
        config = config.deflate(Deflate::new().level(level).context_takeover(takeover == Takeover::Both));
    }
    let subscribers = Subscribers::default();
    let layer = WebSocketUpgradeLayer::new(service_fn(handshake), move |socket, path| {
        connection(socket, path, Arc::clone(&subscribers))
    });
    tower_websocket::serve(listener, layer.with_config(config).into_service()).await
}

type Subscribers = Arc<Mutex<Vec<Sender>>>;

/// Attaches the request's path.
async fn handshake(request: Request<Handshake>) -> Result<Response<String>, Rejection> {
    let path = request.uri().path().to_owned();
    Ok(request.into_body().accept(path))
}

async fn connection(socket: WebSocket, path: String, subscribers: Subscribers) {
    match path.as_str() {
        "/pub" => publish(socket, &subscribers).await,
        "/sub" => subscribe(socket, &subscribers).await,
        _ => echo(socket).await,
    }
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
            return;
        }
    }
}

async fn publish(mut socket: WebSocket, subscribers: &Mutex<Vec<Sender>>) {
    while let Some(Ok(message)) = socket.recv().await {
        if let Message::Binary(_) = &message {
            let mut subscribers = subscribers.lock().expect("nothing panics with the lock");
            subscribers.retain(|sender| sender.try_send(message.clone()).is_ok());
        }
    }
}

async fn subscribe(socket: WebSocket, subscribers: &Mutex<Vec<Sender>>) {
    let (sender, mut receiver) = socket.split();
    subscribers.lock().expect("nothing panics with the lock").push(sender);
    while let Some(Ok(_)) = receiver.recv().await {}
}
