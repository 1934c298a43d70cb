//! A server that echoes every text and binary message, on every path.
//!
//! ```sh
//! cargo run --example echo -- --port 9001
//! ```
//!
//! Then talk to it from a browser's console on a page without a content security policy (start with `--any-origin`,
//! as the page's origin is another one), or from any WebSocket client:
//!
//! ```js
//! let socket = new WebSocket("ws://127.0.0.1:9001");
//! socket.onmessage = event => console.log(event.data);
//! socket.onopen = () => socket.send("hello");
//! ```
//!
//! `--port N` (0 picks one), `--max-message-size BYTES`, `--any-origin`.

use tokio::net::TcpListener;
use tower_websocket::{AcceptAll, AllowOrigin, Config, WebSocket, WebSocketUpgradeLayer, serve};

async fn echo(mut socket: WebSocket, (): ()) {
    while let Some(Ok(message)) = socket.recv().await {
        if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
            break;
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut port = 9001;
    let mut config = Config::new();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--port" => port = value()?.parse()?,
            "--max-message-size" => {
                let bytes = value()?.parse()?;
                config = config.max_message_size(bytes).max_frame_size(bytes);
            }
            "--any-origin" => config = config.allow_origin(AllowOrigin::any()),
            _ => return Err(format!("unknown argument {arg}").into()),
        }
    }

    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    let layer = WebSocketUpgradeLayer::new(AcceptAll::new(), echo).with_config(config);
    serve(listener, layer.into_service())
        .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
        .await?;
    Ok(())
}
