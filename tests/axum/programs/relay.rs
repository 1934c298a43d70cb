use axum::{Router, extract::State, http::Version, response::Response, routing::any};
use tokio::sync::broadcast::{self, Sender};

pub(crate) fn app() -> Router {
    Router::new().route("/ws", any(upgrade)).with_state(broadcast::channel::<String>(16).0)
}

async fn upgrade(ws: WebSocketUpgrade, version: Version, State(sender): State<Sender<String>>) -> Response {
    assert!(version >= Version::HTTP_11);
    let mut receiver = sender.subscribe();
    ws.on_upgrade(|mut ws| async move {
        loop {
            tokio::select! {
                received = ws.recv() => match received {
                    Some(Ok(Message::Text(text))) => drop(sender.send(text.to_string())),
                    Some(_) => {}
                    None => break,
                },
                sent = receiver.recv() => {
                    let Ok(text) = sent else { continue };
                    let _ = ws.send(Message::Text(text.into())).await;
                }
            }
        }
    })
}
