//! The chat of `examples/chat` over many processes, connected by NATS. Run one process without
//! NATS, and open <http://127.0.0.1:9011/>:
//!
//! ```sh
//! cargo run -p cluster
//! ```
//!
//! Run three processes with Debian's `nats-server`:
//!
//! ```sh
//! nats-server &
//! cargo run -p cluster -- --port 9011 --nats nats://127.0.0.1:4222 &
//! cargo run -p cluster -- --port 9012 --nats nats://127.0.0.1:4222 &
//! cargo run -p cluster -- --port 9013 --nats nats://127.0.0.1:4222 &
//! ```
//!
//! The example's `README.md` explains how it scales, and how to put nginx in front. `--host
//! ADDRESS` sets the address, `--port N` the port (0 picks one).

mod bus;
mod event;
mod room;
mod state;

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

use axum::{
    Router,
    extract::{FromRequestParts, Path, Query},
    response::{Html, Redirect},
    routing::get,
};
use http::{HeaderValue, Request, Response, StatusCode, request::Parts};
use serde::Deserialize;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tower::service_fn;
use tower_websocket::{Config, Handshake, Rejection, Shutdown, WebSocket, WebSocketUpgradeLayer};

use bus::Bus;
use event::Command;
use room::{Refusal, Rooms, Seat};

const PAGE: Html<&str> = Html(include_str!("../../chat/page.html"));

#[derive(Debug, Deserialize)]
struct Hello {
    name: String,
    key: String,
}

async fn enter(rooms: &Rooms, parts: &mut Parts) -> Result<Seat, Refusal> {
    let no_room = |_| (StatusCode::NOT_FOUND, "no such room");
    let Path(room) = Path::<String>::from_request_parts(parts, &()).await.map_err(no_room)?;
    let Query(hello) = Query::<Hello>::try_from_uri(&parts.uri)
        .map_err(|_| (StatusCode::BAD_REQUEST, "the query must be ?name=NAME&key=KEY"))?;
    rooms.reserve(&room, &hello.name, &hello.key).await
}

async fn handshake(rooms: Rooms, request: Request<Handshake>) -> Result<Response<Seat>, Rejection> {
    let (mut parts, mut handshake) = request.into_parts();
    let seat = enter(&rooms, &mut parts).await?;
    let process = HeaderValue::from_str(rooms.process()).expect("a process is named in hex");
    handshake.response_mut().headers_mut().insert("x-served-by", process);
    Ok(handshake.accept(seat))
}

async fn converse(socket: WebSocket, mut seat: Seat) {
    let (sender, mut receiver) = socket.split();
    seat.take(&sender);
    while let Some(command) = receiver.recv_json().await {
        match command {
            Ok(Command::Say { id, text }) => seat.say(id, text).await,
            Err(error) => match error.close_code() {
                Some(code) => sender.close(code, error.close_reason()),
                None => break,
            },
        }
    }
}

fn app(rooms: &Rooms, shutdown: &Shutdown) -> Router {
    let config =
        Config::new().max_message_size(8 * 1024).max_write_buffer_size(64 * 1024).with_shutdown(shutdown);
    let asked = rooms.clone();
    let handshake = service_fn(move |request| handshake(asked.clone(), request));
    let sockets = WebSocketUpgradeLayer::new(handshake, converse).with_config(config);

    let rooms = rooms.clone();
    let may_enter = async move |request: axum::extract::Request| {
        enter(&rooms, &mut request.into_parts().0).await.map(|_| StatusCode::NO_CONTENT)
    };
    let shutdown = shutdown.clone();
    let health = async move || match shutdown.is_shutting_down() {
        true => (StatusCode::SERVICE_UNAVAILABLE, "going away".to_owned()),
        false => (StatusCode::OK, format!("{} sockets", shutdown.connections())),
    };
    Router::new()
        .route("/", get(Redirect::to("/lobby/")))
        .route("/health", get(health))
        .route("/{room}/", get(PAGE))
        .route("/{room}/ws", get(may_enter).layer(sockets))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut host, mut port, mut bus) = ("127.0.0.1".to_owned(), 9011, Bus::Alone);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--host" => host = value()?,
            "--port" => port = value()?.parse()?,
            // The processes and NATS may start in any order.
            "--nats" => {
                let options = async_nats::ConnectOptions::new().retry_on_initial_connect();
                bus = Bus::Nats(options.connect(value()?).await?);
            }
            _ => return Err(format!("unknown argument {arg}").into()),
        }
    }
    let process = format!("{:016x}", RandomState::new().build_hasher().finish());
    let rooms = Rooms::new(process, bus.clone());
    let listener = TcpListener::bind((host, port)).await?;
    println!("listening on http://{}", listener.local_addr()?);

    let shutdown = Shutdown::new();
    let app = app(&rooms, &shutdown);
    let ending = shutdown.clone();
    let mut terminate = signal(SignalKind::terminate())?;
    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            ending.start();
        })
        .await?;
    shutdown.drain(Duration::from_secs(10)).await;
    bus.flush().await;
    Ok(())
}
