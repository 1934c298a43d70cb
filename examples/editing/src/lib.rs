//! Collaborative editing of Yjs documents: the server of npm's `y-websocket`.
//!
//! A document exists while it has an editor. Editors that reconnect send it again. A server with a
//! database loads the document in `open`.

mod decoder;
mod document;

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use axum::{Router, extract::Path, routing::any};
use tokio::time::timeout;
use tower_websocket::axum::{WebSocket, WebSocketUpgrade};
use tower_websocket::{CloseCode, Message, Sender};

use document::{Document, Seat};

type Documents = Mutex<HashMap<String, Weak<Document>>>;

/// Serves the documents, each as a WebSocket at `/NAME`. `max_stall` is how long an editor may stop
/// reading while data waits for it.
pub fn app(max_stall: Duration) -> Router {
    let documents = Arc::new(Documents::default());
    let enter = async move |ws: WebSocketUpgrade, Path(name): Path<String>| {
        let document = open(&documents, name);
        ws.max_write_buffer_size(256 * 1024).on_upgrade(move |socket| edit(socket, document, max_stall))
    };
    Router::new().route("/{name}", any(enter))
}

fn open(documents: &Documents, name: String) -> Arc<Document> {
    let mut documents = documents.lock().expect("no panic under the lock");
    documents.retain(|_, document| document.strong_count() > 0);
    let document = documents.get(&name).and_then(Weak::upgrade).unwrap_or_else(Document::new);
    documents.insert(name, Arc::downgrade(&document));
    document
}

async fn edit(socket: WebSocket, document: Arc<Document>, max_stall: Duration) {
    let (sender, mut receiver) = socket.split();
    let (mut seat, mut next) = (Seat::take(&document, &sender), None);
    while send(&sender, next, max_stall).await {
        next = tokio::select! {
            message = receiver.recv_data() => {
                let Some(Ok(message)) = message else { return };
                match seat.receive(&message.into_data()) {
                    Ok(answer) => answer,
                    // y-websocket does not reconnect after a close code from 4400 to 4499.
                    Err(error) => return sender.close(CloseCode::application(4400), error.to_string()),
                }
            }
            change = seat.changed() => Some(change),
        };
    }
}

/// Sends a message, if there is one. Waits for an editor that reads, however slowly.
async fn send(sender: &Sender, message: Option<Message>, max_stall: Duration) -> bool {
    let Some(message) = message else { return true };
    let mut sending = pin!(sender.send(message));
    while sender.stalled() < Some(max_stall) {
        if let Ok(sent) = timeout(max_stall, &mut sending).await {
            return sent.is_ok();
        }
    }
    sender.close(CloseCode::TRY_AGAIN_LATER, "reading too slowly");
    false
}

/// Tests the code in the guide's page.
#[cfg(doctest)]
#[doc = include_str!("../../../src/guide/editing.md")]
mod guide {}
