//! A layer whose handler takes tokio-tungstenite's `WebSocketStream`, for existing code that uses
//! it.
//!
//! ```sh
//! cargo run --example tungstenite
//! python3 -m websockets ws://127.0.0.1:9009/
//! ```
//!
//! `--port N` sets the port (0 picks one).
//!
//! The layer does the opening handshake, checks the origin and applies the limits. After that, the
//! handler is responsible for pings, timeouts and the closing handshake.

use futures_util::{SinkExt, StreamExt};
use tokio::{net::TcpListener, signal};
use tokio_tungstenite::WebSocketStream;
use tower_websocket::{
    AcceptAll, Error, WebSocketUpgradeLayer, io::UpgradedIo, serve, upgrade::stream_handler,
};

/// Uses only the IO type of this crate.
async fn echo(stream: &mut WebSocketStream<UpgradedIo>) -> Result<(), Error> {
    while let Some(message) = stream.next().await {
        let message = message?;
        if message.is_text() || message.is_binary() {
            stream.send(message).await?;
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = match &std::env::args().skip(1).collect::<Vec<_>>()[..] {
        [] => 9009,
        [flag, port] if flag == "--port" => port.parse()?,
        _ => return Err("usage: tungstenite [--port N]".into()),
    };
    let handler = stream_handler(async |mut stream, ()| {
        if let Err(error) = echo(&mut stream).await {
            eprintln!("{error}");
        }
    });
    let service = WebSocketUpgradeLayer::new(AcceptAll, handler).into_service();
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    serve(listener, service).with_graceful_shutdown(async { drop(signal::ctrl_c().await) }).await?;
    Ok(())
}
