//! HTTP/1.1: the socket has its own stream.

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

use crate::{client::Client, transport::Transport};

/// HTTP/1.1.
pub(crate) struct Http1;

impl Transport for Http1 {
    type Io = Counted;
    type Client = Client<DuplexStream, Arc<AtomicUsize>>;

    const AHEAD: usize = 0;
    const TASKS: usize = 0;

    async fn connect(
        acceptor: Acceptor<AcceptAll>,
        room: usize,
        offer: Option<&str>,
    ) -> (Self::Client, WebSocket<Counted>) {
        let (io, server) = tokio::io::duplex(room);
        let writes = Arc::new(AtomicUsize::new(0));
        let server = Counted { io: server, writes: Arc::clone(&writes) };
        let mut client = Client { io, kept: writes };
        let offer = offer.map(|offer| format!("Sec-WebSocket-Extensions: {offer}\r\n")).unwrap_or_default();
        let (accepted, opened) =
            tokio::join!(acceptor.accept(server), opening::open(&mut client, "/", &offer));
        opened.unwrap();
        client.kept.store(0, Ordering::Relaxed);
        (client, accepted.unwrap().0)
    }

    fn writes(client: &Self::Client) -> usize {
        client.kept.load(Ordering::Relaxed)
    }

    /// Nothing keeps it busy.
    async fn finish(_: &mut Self::Client) {}
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
