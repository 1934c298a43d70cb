//! The layer around ordinary axum routes. An extension that a middleware sets is available in the
//! handshake.
//!
//! ```sh
//! cargo run --example axum
//! curl http://127.0.0.1:9003/
//! ```
//!
//! Or open <http://127.0.0.1:9003/> in a browser. The page opens a WebSocket at `/ws`.

use axum::{Router, response::Html, routing::get};
use http::{Request, Response};
use tokio::net::TcpListener;
use tower::service_fn;
use tower_websocket::{Handshake, Rejection, WebSocket, WebSocketUpgradeLayer};

const PAGE: &str = r#"<!doctype html><title>tower-websocket</title><pre id=log></pre><script>
let socket = new WebSocket(location.href.replace("http", "ws") + "ws?name=" + Math.random().toString(36).slice(2));
socket.onmessage = event => log.textContent += event.data + "\n";
socket.onopen = () => socket.send("hello");
</script>"#;

/// Returns the client's name from the query.
async fn handshake(request: Request<Handshake>) -> Result<Response<String>, Rejection> {
    let name = request.uri().query().and_then(|query| query.strip_prefix("name="));
    let name = name.unwrap_or("somebody").to_owned();
    Ok(request.into_body().accept(name))
}

async fn greet(mut socket: WebSocket, name: String) {
    while let Some(Ok(message)) = socket.recv_data().await {
        if socket.send(format!("{message}, {name}")).await.is_err() {
            break;
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = match &std::env::args().skip(1).collect::<Vec<_>>()[..] {
        [] => 9003,
        [flag, port] if flag == "--port" => port.parse()?,
        _ => return Err("usage: axum [--port N]".into()),
    };
    let socket = WebSocketUpgradeLayer::new(service_fn(handshake), greet);
    let app =
        Router::new().route("/", get(|| async { Html(PAGE) })).route_service("/ws", socket.into_service());

    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}
