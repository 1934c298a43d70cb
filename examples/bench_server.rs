//! The server that the benchmarks measure. It runs on one thread.
//!
//! ```sh
//! cargo run --release --example bench_server -- --port 9006 --role echo
//! ```
//!
//! - `--role echo` echoes every text and binary message, on any path.
//! - `--role fanout` sends every binary message received on `/pub` to every socket on `/sub`.
//! - `--deflate`, with the feature `deflate`, compresses messages: with context takeover in both
//!   directions (`ctx`), only from the client (`client`, the crate's default), or in neither
//!   (`noctx`, which the server demands of the client). `--level N` sets the compression level.

use futures_util::StreamExt;
use http::{Request, Response};
use tokio::net::TcpListener;
use tower::service_fn;
use tower_websocket::{
    AllowOrigin, Config, Handshake, Message, Rejection, WebSocket, WebSocketUpgradeLayer, rooms::Rooms, serve,
};

/// Attaches the request's path.
async fn handshake(request: Request<Handshake>) -> Result<Response<String>, Rejection> {
    let path = request.uri().path().to_owned();
    Ok(request.into_body().accept(path))
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.next().await {
        if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
            break;
        }
    }
}

async fn fanout(socket: WebSocket, path: String, rooms: Rooms<()>) {
    let (sender, mut receiver) = socket.split();
    if path == "/sub" {
        let _membership = rooms.join((), &sender, ());
        while let Some(Ok(_)) = receiver.recv().await {}
    } else {
        while let Some(Ok(message)) = receiver.recv().await {
            if let Message::Binary(_) = &message {
                rooms.send(&(), message);
            }
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut port, mut role) = (9006, "echo".to_owned());
    let (mut deflate, mut level) = (None, None);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let value = args.next().ok_or(format!("{arg} needs a value"))?;
        match arg.as_str() {
            "--port" => port = value.parse()?,
            "--role" => role = value,
            "--deflate" => deflate = Some(value),
            "--level" => level = Some(value.parse()?),
            _ => return Err(format!("unknown argument {arg}").into()),
        }
    }
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on ws://{}", listener.local_addr()?);

    let config =
        Config::new().allow_origin(AllowOrigin::any()).max_message_size(64 << 20).max_frame_size(64 << 20);
    let config = match deflate.as_deref() {
        None => config,
        Some(kind) => compress(config, kind, level)?,
    };
    let rooms = Rooms::new();
    let is_echo = role == "echo";
    let layer = WebSocketUpgradeLayer::new(service_fn(handshake), move |socket, path| {
        let rooms = rooms.clone();
        async move { if is_echo { echo(socket).await } else { fanout(socket, path, rooms).await } }
    });
    serve(listener, layer.with_config(config).into_service()).await?;
    Ok(())
}

#[cfg(feature = "deflate")]
fn compress(config: Config, kind: &str, level: Option<u8>) -> Result<Config, String> {
    let deflate = tower_websocket::Deflate::new();
    let deflate = match kind {
        "ctx" => deflate.context_takeover(true),
        "client" => deflate,
        "noctx" => deflate.server_no_context_takeover(true).client_no_context_takeover(true),
        other => return Err(format!("unknown kind of compression {other}")),
    };
    Ok(config.deflate(match level {
        Some(level) => deflate.level(level),
        None => deflate,
    }))
}

#[cfg(not(feature = "deflate"))]
fn compress(_: Config, _: &str, _: Option<u8>) -> Result<Config, String> {
    Err("this needs the feature `deflate`".to_owned())
}
