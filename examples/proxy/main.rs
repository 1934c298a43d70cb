//! A gateway: it accepts WebSockets, opens one for each at the server behind it, and passes
//! everything on.
//!
//! ```sh
//! cargo run --example echo -- --port 9001
//! cargo run --example proxy -- --port 9020 --upstream 127.0.0.1:9001
//! ```
//!
//! Then talk to `ws://127.0.0.1:9020/`.
//!
//! - The server behind is asked first, with the path, the headers and the subprotocols of the
//!   client. Where it refuses, the client gets its status and headers; where it cannot be reached
//!   or answers nonsense a 502, and where it is silent a 504.
//! - The client is accepted with the subprotocol that the server has chosen.
//! - Messages pass both ways, and so does back-pressure: the gateway takes no more from one side
//!   than the other side takes.
//! - A Close passes with its code and reason, also one without a code (1005). A client whose server
//!   is lost gets 1014.
//! - Pings, compression and fragments are each side's own.

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
