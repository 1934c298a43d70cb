//! Accepts WebSockets on raw TCP and Unix streams, without an HTTP server, and echoes messages.
//!
//! ```sh
//! cargo run --example accept
//! python3 -m websockets ws://127.0.0.1:9005/
//! python3 -c 'import asyncio, websockets
//! async def main():
//!     async with websockets.unix_connect("tower-websocket.sock") as socket:
//!         await socket.send("hello"); print(await socket.recv())
//! asyncio.run(main())'
//! ```
//!
//! `--port N` sets the TCP port (0 picks one), `--path PATH` the path of the Unix socket.

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};
use tower_websocket::{AcceptAll, Acceptor};

async fn talk<IO>(acceptor: Acceptor<AcceptAll>, io: IO)
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (socket, ()) = match acceptor.accept(io).await {
        Ok(accepted) => accepted,
        Err(error) => {
            eprintln!("{error}");
            let _ = error.respond().await;
            return;
        }
    };
    // A driver writes several answers at once, and notices when the peer is gone.
    let driver = socket.drive(async |mut socket| {
        while let Some(Ok(message)) = socket.recv_data().await {
            if socket.send(message).await.is_err() {
                break;
            }
        }
    });
    driver.await;
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mut port, mut path) = (9005, "tower-websocket.sock".to_owned());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let value = args.next().ok_or(format!("{arg} needs a value"))?;
        match arg.as_str() {
            "--port" => port = value.parse()?,
            "--path" => path = value,
            _ => return Err(format!("unknown argument {arg}").into()),
        }
    }
    let acceptor = Acceptor::new(AcceptAll);
    let tcp = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on ws://{}", tcp.local_addr()?);
    #[cfg(unix)]
    {
        let _ = std::fs::remove_file(&path);
        let unix = tokio::net::UnixListener::bind(&path)?;
        println!("listening on {path}");
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            while let Ok((io, _)) = unix.accept().await {
                tokio::spawn(talk(acceptor.clone(), io));
            }
        });
    }
    loop {
        let (io, _) = tcp.accept().await?;
        tokio::spawn(talk(acceptor.clone(), io));
    }
}
