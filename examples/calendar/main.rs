//! A handshake service that parses the path, rejects invalid paths, and attaches the year and the
//! month for the handler.
//!
//! ```sh
//! cargo run --example calendar -- --port 9002
//! ```
//!
//! `ws://127.0.0.1:9002/2013/10` sends `You are accessing YEAR = 2013, MONTH = 10` and stays open
//! until the client closes it. Any other path is rejected with 404.
//!
//! ```sh
//! python3 -m websockets ws://127.0.0.1:9002/2013/10
//! ```

use http::{Request, Response, StatusCode};
use tokio::net::TcpListener;
use tower::service_fn;
use tower_websocket::{Handshake, Rejection, WebSocket, WebSocketUpgradeLayer, serve, server::HttpService};

#[cfg(test)]
mod tests;

async fn handshake(request: Request<Handshake>) -> Result<Response<(u16, u8)>, Rejection> {
    let Some((year, month)) = parse(request.uri().path()) else {
        return Err((StatusCode::NOT_FOUND, "the path must be /YEAR/MONTH\n").into()); // reject
    };
    let mut handshake = request.into_body();
    handshake.select_protocol(["mytest"]); // change the response
    Ok(handshake.accept((year, month))) // attach values
}

async fn calendar(mut socket: WebSocket, (year, month): (u16, u8)) {
    if socket.send(format!("You are accessing YEAR = {year}, MONTH = {month}")).await.is_err() {
        return;
    }
    // Receiving answers pings, and answers the peer's Close with the same code.
    while let Some(Ok(_)) = socket.recv().await {}
}

fn service() -> impl HttpService {
    WebSocketUpgradeLayer::new(service_fn(handshake), calendar).into_service()
}

fn parse(path: &str) -> Option<(u16, u8)> {
    let (year, month) = path.strip_prefix('/')?.split_once('/')?;
    // Otherwise the sign of `+10` would be parsed, too.
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(year) || !is_number(month) {
        return None;
    }
    let month = month.parse().ok().filter(|month| (1..=12).contains(month))?;
    Some((year.parse().ok()?, month))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = match &std::env::args().skip(1).collect::<Vec<_>>()[..] {
        [] => 9002,
        [flag, port] if flag == "--port" => port.parse()?,
        _ => return Err("usage: calendar [--port N]".into()),
    };
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    serve(listener, service()).await?;
    Ok(())
}
