//! HTTP/1.1: the socket has the stream to itself.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use raw_client::opening;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tower_websocket::{AcceptAll, Acceptor, WebSocket};

/// The IO of the server's socket.
pub(crate) type Io = Counted;

/// How many bytes a server may write beyond those for which there is room.
pub(crate) const AHEAD: usize = 0;

/// How many tasks the transport itself has while the client is there.
pub(crate) const TASKS: usize = 0;

/// The client's end.
pub(crate) struct Client {
    io: DuplexStream,
    writes: Arc<AtomicUsize>,
}

/// A client and the socket that it opened; `room` is how many bytes wait between the two, `offer` what the client offers
/// as extensions.
pub(crate) async fn connect(
    acceptor: Acceptor<AcceptAll>,
    room: usize,
    offer: Option<&str>,
) -> (Client, WebSocket<Io>) {
    let (io, server) = tokio::io::duplex(room);
    let writes = Arc::new(AtomicUsize::new(0));
    let server = Counted { io: server, writes: Arc::clone(&writes) };
    let mut client = Client { io, writes };
    let offer = offer
        .map(|offer| {
            format!(
                "Sec-WebSocket-Extensions: {offer}
"
            )
        })
        .unwrap_or_default();
    let (accepted, opened) = tokio::join!(acceptor.accept(server), opening::open(&mut client, "/", &offer));
    opened.unwrap();
    client.writes.store(0, Ordering::Relaxed);
    (client, accepted.unwrap().0)
}

impl Client {
    /// How many writes the server has made.
    pub(crate) fn writes(&self) -> usize {
        self.writes.load(Ordering::Relaxed)
    }

    /// Takes what would keep the transport busy when the socket is gone: nothing does.
    pub(crate) async fn finish(&mut self) {}
}

impl AsyncRead for Client {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Client {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// Counts its writes.
#[derive(Debug)]
pub(crate) struct Counted {
    io: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
