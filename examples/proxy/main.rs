//! A gateway: accepts WebSockets, opens one at the upstream server for each, and relays messages.
//!
//! ```sh
//! cargo run --example echo -- --port 9001
//! cargo run --example proxy -- --port 9020 --upstream 127.0.0.1:9001
//! ```
//!
//! Then connect to `ws://127.0.0.1:9020/`.
//!
//! - The gateway first sends the client's path, headers and subprotocols to the upstream server. If
//!   that server rejects the request, the client gets its status and headers. If it cannot be
//!   reached or its response is invalid, the client gets 502; if it does not respond, 504.
//! - The client is accepted with the subprotocol that the upstream server has selected.
//! - Messages pass in both directions, with back-pressure: the gateway reads from one side only as
//!   fast as the other side reads.
//! - A Close passes with its code and reason, also without a code (1005). If the upstream
//!   connection is lost, the client gets 1014.
//! - Each side has its own pings, compression and fragments.

mod gateway;
#[cfg(test)]
mod tests;

use tokio::net::TcpListener;
use tower_websocket::serve;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut port, mut upstream) = (9020, "127.0.0.1:9001".to_owned());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let value = args.next().ok_or(format!("{arg} needs a value"))?;
        match arg.as_str() {
            "--port" => port = value.parse()?,
            "--upstream" => upstream = value,
            _ => return Err(format!("unknown argument {arg}").into()),
        }
    }
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on ws://{}", listener.local_addr()?);
    serve(listener, gateway::service(upstream)).await?;
    Ok(())
}
