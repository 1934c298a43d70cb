use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::State, response::IntoResponse, routing::get};
use futures_util::{sink::SinkExt, stream::StreamExt};
use tokio::sync::broadcast;

#[derive(Clone)]
struct Room {
    names: Arc<Mutex<HashSet<String>>>,
    news: broadcast::Sender<String>,
}

pub(crate) fn app() -> Router {
    let room = Room { names: Arc::default(), news: broadcast::channel(100).0 };
    Router::new().route("/websocket", get(enter)).with_state(room)
}

async fn enter(ws: WebSocketUpgrade, State(room): State<Room>) -> impl IntoResponse {
    ws.on_upgrade(|socket| chat(socket, room))
}

async fn chat(socket: WebSocket, room: Room) {
    let (mut sender, mut receiver) = socket.split();
    let name = loop {
        match receiver.next().await {
            Some(Ok(Message::Text(name))) => break name.as_str().to_owned(),
            Some(Ok(_)) => {}
            _ => return,
        }
    };
    if !room.names.lock().unwrap().insert(name.clone()) {
        let taken = Utf8Bytes::from_static("Username already taken.");
        let _ = sender.send(Message::Text(taken)).await;
        return;
    }

    let mut news = room.news.subscribe();
    let _ = room.news.send(format!("{name} joined."));
    let mut sends = tokio::spawn(async move {
        while let Ok(text) = news.recv().await {
            if sender.send(Message::text(text)).await.is_err() {
                break;
            }
        }
    });
    let (speaker, spoken) = (name.clone(), room.news.clone());
    let mut receives = tokio::spawn(async move {
        while let Some(Ok(Message::Text(text))) = receiver.next().await {
            let _ = spoken.send(format!("{speaker}: {text}"));
        }
    });
    tokio::select! {
        _ = &mut sends => receives.abort(),
        _ = &mut receives => sends.abort(),
    }

    room.names.lock().unwrap().remove(&name);
    let _ = room.news.send(format!("{name} left."));
}
