use std::{net::SocketAddr, ops::ControlFlow, time::Duration};

use axum::{Router, body::Bytes, extract::ConnectInfo, response::IntoResponse, routing::any};
use futures_util::{sink::SinkExt, stream::StreamExt};
use tokio::time::sleep;

pub(crate) fn app() -> Router {
    Router::new().route("/ws", any(upgrade))
}

async fn upgrade(ws: WebSocketUpgrade, ConnectInfo(addr): ConnectInfo<SocketAddr>) -> impl IntoResponse {
    ws.on_upgrade(move |socket| greet(socket, addr))
}

async fn greet(mut socket: WebSocket, addr: SocketAddr) {
    if socket.send(Message::Ping(Bytes::from_static(&[1, 2, 3]))).await.is_err() {
        return;
    }
    match socket.recv().await {
        Some(Ok(message)) if look_at(&message).is_continue() => {}
        _ => return,
    }
    for i in 1..5 {
        if socket.send(Message::Text(format!("Hi {i} times, {addr}!").into())).await.is_err() {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }

    let (mut sender, mut receiver) = socket.split();
    let mut sends = tokio::spawn(async move {
        for i in 0..20 {
            if sender.send(Message::Text(format!("Server message {i}").into())).await.is_err() {
                return;
            }
            sleep(Duration::from_millis(300)).await;
        }
        let close = CloseFrame { code: close_code::NORMAL, reason: Utf8Bytes::from_static("Goodbye") };
        let _ = sender.send(Message::Close(Some(close))).await;
    });
    let mut receives = tokio::spawn(async move {
        while let Some(Ok(message)) = receiver.next().await {
            if look_at(&message).is_break() {
                break;
            }
        }
    });
    tokio::select! {
        _ = &mut sends => receives.abort(),
        _ = &mut receives => sends.abort(),
    }
}

fn look_at(message: &Message) -> ControlFlow<()> {
    match message {
        Message::Text(text) => assert!(!text.as_str().is_empty()),
        Message::Binary(bytes) => assert!(!bytes.is_empty()),
        Message::Ping(payload) | Message::Pong(payload) => assert_eq!(payload, &[1, 2, 3][..]),
        Message::Close(Some(frame)) => {
            assert_eq!((frame.code, frame.reason.as_str()), (close_code::NORMAL, "Goodbye"));
            return ControlFlow::Break(());
        }
        // tungstenite's `Message` has one more variant, `Frame`, so this cannot be
        // `Message::Close(None)`.
        _ => return ControlFlow::Break(()),
    }
    ControlFlow::Continue(())
}
