//! Sockets under pressure: full buffers, tasks that never wait, tasks that compute, late answers.
//! Each test uses the public interface and a client that the crate has no part in.

mod closing;
mod computing;
mod keepalive;
mod pieces;
mod senders;
mod yielding;

use std::{fmt, future::Future, io, time::Duration};

use raw_client::opening::open;
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, duplex},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    time::timeout,
};
use tower_websocket::{AcceptAll, Acceptor, Config, Sender, WebSocket};

/// How long an immediate event may take on a busy machine.
const SOON: Duration = Duration::from_secs(10);

/// Awaits `future`, which must complete at once.
async fn soon<F: Future>(what: impl fmt::Display, future: F) -> F::Output {
    match timeout(SOON, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what}: not within {SOON:?}"),
    }
}

/// Opens a WebSocket over `server`, and returns it with the client's end.
async fn opened<C, S>(mut client: C, server: S, config: Config, headers: &str) -> (C, WebSocket<S>)
where
    C: AsyncRead + AsyncWrite + Unpin,
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let acceptor = Acceptor::new(AcceptAll).with_config(config);
    let (accepted, response) = tokio::join!(acceptor.accept(server), open(&mut client, "/", headers));
    response.unwrap();
    (client, accepted.unwrap().0)
}

/// Returns a WebSocket over a pipe that holds `space` bytes, and the client's end.
async fn piped(config: Config, space: usize) -> (DuplexStream, WebSocket<DuplexStream>) {
    let (client, server) = duplex(space);
    opened(client, server, config, "").await
}

/// Returns a connection over TCP: the client's end, and the server's.
async fn tcp() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let client = TcpStream::connect(listener.local_addr()?).await?;
    client.set_nodelay(true)?;
    Ok((client, listener.accept().await?.0))
}

/// Runs a handler that only receives, and returns its sender.
async fn receiving<IO>(socket: WebSocket<IO>) -> Sender<IO>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (give, given) = oneshot::channel();
    tokio::spawn(socket.drive(|socket| async move {
        let (sender, mut receiver) = socket.split();
        let _ = give.send(sender);
        while receiver.recv().await.is_some() {}
    }));
    given.await.unwrap()
}
