//! A server for collaborative editing of Yjs documents. Ctrl-C stops it.
//!
//! ```sh
//! cargo run -p editing
//! ```
//!
//! Use npm's `yjs` and `y-websocket` as the client:
//!
//! ```js
//! import * as Y from "yjs";
//! import { WebsocketProvider } from "y-websocket";
//!
//! const document = new Y.Doc();
//! new WebsocketProvider("ws://127.0.0.1:9015", "notes", document);
//! document.getText("text").observe(event => console.log(event.delta));
//! ```
//!
//! `cargo run -p editing -- PORT` uses another port; 0 picks one.

use std::time::Duration;

/// How long an editor may stop reading while data waits for it.
const MAX_STALL: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::args().nth(1).map_or(Ok(9015), |port| port.parse::<u16>())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    tower_websocket::serve(listener, editing::app(MAX_STALL))
        .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
        .await?;
    Ok(())
}
