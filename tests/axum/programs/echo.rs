use std::future::ready;

use axum::{Router, routing::any};

pub(crate) fn app() -> Router {
    let upgrade = |ws: WebSocketUpgrade| {
        let ws = ws.protocols(["echo2", "echo"]);
        assert_eq!(ws.selected_protocol().unwrap(), "echo");
        ready(ws.on_upgrade(echo))
    };
    Router::new().route("/echo", any(upgrade))
}

async fn echo(mut socket: WebSocket) {
    assert_eq!(socket.protocol().unwrap(), "echo");
    while let Some(Ok(message)) = socket.recv().await {
        let is_answered = matches!(message, Message::Text(_) | Message::Binary(_) | Message::Close(_));
        if is_answered && socket.send(message).await.is_err() {
            break;
        }
    }
}
