//! A WebSocket in front of a TCP server, as websockify is: for browsers, and for networks that
//! allow only HTTP.
//!
//! ```sh
//! cargo run --example tunnel -- --port 9022 --to 127.0.0.1:1883
//! ```
//!
//! An MQTT broker on port 1883 is then reachable at `ws://127.0.0.1:9022`:
//!
//! ```sh
//! npx mqtt sub -h 127.0.0.1 -p 9022 -l ws -t news
//! ```
//!
//! The TCP connection is opened before the handshake is answered. If the server refuses it, the
//! client gets 502. Every client that can open the tunnel can use the server behind it, so
//! check the user in the handshake service.

use http::{Request, Response, StatusCode};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tower_websocket::{
    Handshake, Rejection, WebSocket, WebSocketUpgradeLayer, handshake_fn, serve, server::HttpService,
};

#[cfg(test)]
mod tests;

async fn handshake(to: String, request: Request<Handshake>) -> Result<Response<TcpStream>, Rejection> {
    let tcp = TcpStream::connect(&to).await.map_err(|error| {
        (StatusCode::BAD_GATEWAY, format!("the server behind does not answer: {error}\n"))
    })?;
    tcp.set_nodelay(true).map_err(|_| StatusCode::BAD_GATEWAY)?;
    let mut handshake = request.into_body();
    // The subprotocols of MQTT clients and of websockify's clients.
    handshake.select_protocol(["mqtt", "binary"]);
    Ok(handshake.accept(tcp))
}

async fn tunnel(socket: WebSocket, mut tcp: TcpStream) -> std::io::Result<()> {
    copy_bidirectional(&mut socket.into_byte_stream(), &mut tcp).await?;
    Ok(())
}

fn service(to: String) -> impl HttpService {
    WebSocketUpgradeLayer::new(handshake_fn(to, handshake), tunnel).into_service()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (port, to) = match &std::env::args().skip(1).collect::<Vec<_>>()[..] {
        [port_flag, port, to_flag, to] if port_flag == "--port" && to_flag == "--to" => {
            (port.parse()?, to.clone())
        }
        _ => return Err("usage: tunnel --port N --to HOST:PORT".into()),
    };
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("ws://{} leads to {to}", listener.local_addr()?);
    serve(listener, service(to)).await?;
    Ok(())
}
