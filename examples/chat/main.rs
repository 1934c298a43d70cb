//! A chat room: a page at `/` and its WebSocket at `/ws`, in one axum server.
//!
//! ```sh
//! cargo run --example chat --features json
//! ```
//!
//! Open <http://127.0.0.1:9004/> in two windows. `--port N` sets the port (0 picks one). `--host
//! ADDRESS` sets the address; with `0.0.0.0`, other devices can connect.
//!
//! - The socket's query contains the user's name. The handshake service rejects a missing name
//!   (400) and a name in use (409). The handler takes a seat in the room, and leaves the room when
//!   it drops the seat.
//! - Scripts cannot see why a WebSocket was rejected, so an ordinary `GET` of the same path returns
//!   the reason.
//! - `Rooms` sends each message to all members without waiting for slow ones. A member that is 64
//!   KiB behind is closed with 1013, reconnects, and receives the history.
//! - The page reconnects after the server or the network was down, with growing delays. It then
//!   sends messages that were typed meanwhile, and does not show known messages twice.
//! - Ctrl-C and SIGTERM close all sockets with 1001 before the process ends.

mod event;
mod room;

use std::time::Duration;

use axum::{Router, extract::Query, response::Html, routing::get};
use http::{Request, Response, StatusCode};
use tokio::net::TcpListener;
use tower_websocket::{
    Config, Handshake, Rejection, Shutdown, WebSocket, WebSocketUpgradeLayer, handshake_fn,
};

use event::Command;
use room::{Person, Refusal, Room};

const PAGE: Html<&str> = Html(include_str!("page.html"));

fn admit(room: &Room, uri: &http::Uri) -> Result<Person, Refusal> {
    let Query(person) = Query::try_from_uri(uri)
        .map_err(|_| (StatusCode::BAD_REQUEST, "the query must be ?name=NAME&key=KEY"))?;
    room.admit(person)
}

async fn handshake(room: Room, request: Request<Handshake>) -> Result<Response<(Room, Person)>, Rejection> {
    let person = admit(&room, request.uri())?;
    Ok(request.into_body().accept((room, person)))
}

/// Returns whether the handshake would be accepted. The page shows the reason to the user.
async fn may_enter(room: Room, uri: http::Uri) -> Result<StatusCode, Refusal> {
    admit(&room, &uri).map(|_| StatusCode::NO_CONTENT)
}

async fn converse(socket: WebSocket, (room, person): (Room, Person)) {
    let (sender, mut receiver) = socket.split();
    let Some(seat) = room.enter(&sender, person) else { return };
    while let Some(command) = receiver.recv_json().await {
        match command {
            Ok(Command::Say { id, text }) => seat.say(id, text.trim()),
            Err(error) => match error.close_code() {
                Some(code) => sender.close(code, error.close_reason()),
                None => break,
            },
        }
    }
}

fn app(shutdown: &Shutdown) -> Router {
    let room = Room::new();
    let config =
        Config::new().max_message_size(8 * 1024).max_write_buffer_size(64 * 1024).with_shutdown(shutdown);
    let handshake = handshake_fn(room.clone(), handshake);
    let sockets = WebSocketUpgradeLayer::new(handshake, converse).with_config(config);
    Router::new().route("/", get(PAGE)).route("/ws", get(move |uri| may_enter(room, uri)).layer(sockets))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut host, mut port) = ("127.0.0.1".to_owned(), 9004);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--host" => host = value()?,
            "--port" => port = value()?.parse()?,
            _ => return Err(format!("unknown argument {arg}").into()),
        }
    }
    let listener = TcpListener::bind((host, port)).await?;
    println!("listening on http://{}", listener.local_addr()?);

    let shutdown = Shutdown::new();
    let app = app(&shutdown);
    let ending = shutdown.clone();
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            signal().await;
            ending.start();
        })
        .await?;
    shutdown.drain(Duration::from_secs(10)).await;
    Ok(())
}

/// Completes on Ctrl-C or SIGTERM.
async fn signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be handled");
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    drop(tokio::signal::ctrl_c().await);
}

#[cfg(all(test, feature = "testing"))]
mod tests;
