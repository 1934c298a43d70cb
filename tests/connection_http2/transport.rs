//! HTTP/2: the socket is one stream of a connection.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use raw_client::http2::{self as raw, Stream};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf, duplex},
    sync::oneshot,
};
use tower_websocket::{AcceptAll, Acceptor, Upgraded, WebSocket};

/// The IO of the server's socket.
pub(crate) type Io = Upgraded;

/// How many bytes a server may write beyond those for which there is room: hyper passes writes, each of 64 KiB at
/// most, to its connection through a channel with two places, keeps one until there is room, and h2 has one.
pub(crate) const AHEAD: usize = 4 * 64 * 1024;

/// How many tasks the transport itself has while the client is there: the two ends of the connection.
pub(crate) const TASKS: usize = 2;

/// The client's end.
pub(crate) struct Client {
    stream: Stream,
    /// The connection, which would otherwise end with the stream.
    _connection: raw::Client,
}

/// A client and the socket that it opened; `room` is how many bytes wait between the two, `offer` what the client offers
/// as extensions.
pub(crate) async fn connect(
    acceptor: Acceptor<AcceptAll>,
    room: usize,
    offer: Option<&str>,
) -> (Client, WebSocket<Io>) {
    let (client, server) = duplex(4 << 20);
    let (give, take) = oneshot::channel();
    let give = Arc::new(Mutex::new(Some(give)));
    let service = service_fn(move |request: Request<Incoming>| {
        let (acceptor, give) = (acceptor.clone(), give.lock().unwrap().take());
        async move {
            let (response, upgrading) = acceptor.accept_request(request).await.unwrap();
            assert!(give.expect("one request").send(upgrading).is_ok());
            Ok::<_, Infallible>(response.map(|()| Empty::<Bytes>::new()))
        }
    });
    let server = http2::Builder::new(TokioExecutor::new())
        .enable_connect_protocol()
        .serve_connection(TokioIo::new(server), service);
    tokio::spawn(server);

    let mut builder = h2::client::Builder::new();
    // One write of the server is one frame.
    builder.initial_window_size(room as u32).initial_connection_window_size(16 << 20).max_frame_size(1 << 20);
    let (mut client, _) = raw::connect(client, &builder).await;
    client.ready().await;
    let mut request = raw::Client::websocket("http://x/");
    if let Some(offer) = offer {
        request = request.header("sec-websocket-extensions", offer);
    }
    let stream = client.open(request).await;
    let (socket, ()) = take.await.unwrap().await.unwrap();
    (Client { stream, _connection: client }, socket)
}

impl Client {
    /// How many writes of the server have come.
    pub(crate) fn writes(&self) -> usize {
        self.stream.frames()
    }

    /// Takes what would keep the transport busy when the socket is gone: what is still on its way to the client.
    pub(crate) async fn finish(&mut self) {
        self.stream.read_to_end(&mut Vec::new()).await.expect("the end of the stream, not a reset");
    }
}

impl AsyncRead for Client {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Client {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
