//! Sends events and questions to users by their id.
//!
//! ```sh
//! cargo run --example push --features axum,json
//! ```
//!
//! The server listens at <http://127.0.0.1:9016>:
//!
//! - `GET /users/USER/ws` opens a WebSocket of that user. A user may have several.
//! - `POST /users/USER/events` sends JSON to all sockets of the user. It responds with 202, or 404
//!   if the user has no socket.
//! - `POST /users/USER/questions` sends JSON to all sockets of the user and responds with the first
//!   answer. It responds with 404 if no socket is left, and with 504 after 5 s.
//!
//! A socket receives `{"type": "event", "event": ..}` and `{"type": "question", "id": 1,
//! "question": ..}`. It answers a question with `{"id": 1, "answer": ..}`.
//!
//! The path names the user, so that the example can be tried manually. A real server takes the user
//! from the session, and restricts the other two routes to its own services.

mod users;

use std::time::Duration;

use axum::{
    Json, Router,
    extract::{Path, State},
    response::Response,
    routing::{any, post},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use tokio::{net::TcpListener, time::timeout};
use tower_websocket::axum::{WebSocket, WebSocketUpgrade};

use users::Users;

const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
struct Answer {
    id: u64,
    answer: Value,
}

async fn enter(ws: WebSocketUpgrade, Path(user): Path<String>, State(users): State<Users>) -> Response {
    ws.max_write_buffer_size(64 * 1024).on_upgrade(|socket| receive_answers(socket, users, user))
}

async fn receive_answers(socket: WebSocket, users: Users, user: String) {
    let (sender, mut receiver) = socket.split();
    // Dropped when the handler ends, even if it panics.
    let registration = users.register(user, sender.clone());
    while let Some(answer) = receiver.recv_json().await {
        match answer {
            Ok(Answer { id, answer }) => registration.answer(id, answer),
            Err(error) => match error.close_code() {
                Some(code) => sender.close(code, error.close_reason()),
                None => break,
            },
        }
    }
}

async fn push(Path(user): Path<String>, State(users): State<Users>, Json(event): Json<Value>) -> StatusCode {
    match users.push(&user, &event) {
        0 => StatusCode::NOT_FOUND,
        _ => StatusCode::ACCEPTED,
    }
}

async fn ask(
    Path(user): Path<String>,
    State(users): State<Users>,
    Json(question): Json<Value>,
) -> Result<Json<Value>, StatusCode> {
    match timeout(ANSWER_TIMEOUT, users.ask(&user, &question)).await {
        Ok(Some(answer)) => Ok(Json(answer)),
        Ok(None) => Err(StatusCode::NOT_FOUND),
        Err(_) => Err(StatusCode::GATEWAY_TIMEOUT),
    }
}

fn app(users: Users) -> Router {
    Router::new()
        .route("/users/{user}/ws", any(enter))
        .route("/users/{user}/events", post(push))
        .route("/users/{user}/questions", post(ask))
        .with_state(users)
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:9016").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app(Users::default())).await
}

#[cfg(all(test, feature = "testing"))]
mod tests;
