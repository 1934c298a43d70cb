//! An echo client for the Autobahn test suite: runs each case of a fuzzing server, then makes the
//! server write its report.
//!
//! ```sh
//! cargo run --example autobahn -- 127.0.0.1:9023
//! ```
//!
//! `--agent NAME` sets the name in the report. With the feature `deflate`, `--deflate` offers
//! compression, and `--deflate=takeover` also keeps the compression window between messages.
//! `tests/autobahn/client.sh` starts the fuzzing server and runs all cases.

use http::Request;
use tokio::net::TcpStream;
use tower_websocket::{Config, Connector, Error, Message, WebSocket};

type BoxError = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let (mut addr, mut agent) = (None, "tower-websocket".to_owned());
    // The largest messages of the suite are 16 MiB.
    #[cfg_attr(not(feature = "deflate"), expect(unused_mut))]
    let mut config = Config::new().max_message_size(32 << 20).max_frame_size(32 << 20);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--agent" => agent = args.next().ok_or("--agent needs a value")?,
            #[cfg(feature = "deflate")]
            "--deflate" => config = config.deflate(tower_websocket::Deflate::new()),
            #[cfg(feature = "deflate")]
            "--deflate=takeover" => {
                config = config.deflate(tower_websocket::Deflate::new().context_takeover(true));
            }
            _ => addr = Some(arg),
        }
    }
    let addr = addr.ok_or("usage: autobahn ADDR [--agent NAME]")?;
    let connector = Connector::new().with_config(config);

    let mut socket = open(&connector, &addr, "/getCaseCount").await?;
    let Some(Message::Text(count)) = socket.recv_data().await.transpose()? else {
        return Err("the server did not send the number of cases".into());
    };
    socket.close(None, "").await?;
    for case in 1..=count.parse::<u32>()? {
        let socket = open(&connector, &addr, &format!("/runCase?case={case}&agent={agent}")).await?;
        // Most cases end with an error on purpose.
        let _ = echo(socket).await;
    }
    let mut socket = open(&connector, &addr, &format!("/updateReports?agent={agent}")).await?;
    socket.close(None, "").await?;
    Ok(())
}

async fn open(connector: &Connector, addr: &str, target: &str) -> Result<WebSocket<TcpStream>, BoxError> {
    let io = TcpStream::connect(addr).await?;
    let request = Request::get(format!("ws://{addr}{target}")).body(())?;
    let (socket, _) = connector.connect(request, io).await?;
    Ok(socket)
}

async fn echo(mut socket: WebSocket<TcpStream>) -> Result<(), Error> {
    while let Some(message) = socket.recv_data().await {
        socket.send(message?).await?;
    }
    Ok(())
}
