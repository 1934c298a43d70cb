//! HTTP/2: the socket is one stream of a connection.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use raw_client::http2::{self as raw, Stream};
use tokio::{
    io::{AsyncReadExt, duplex},
    sync::oneshot,
};
use tower_websocket::{AcceptAll, Acceptor, WebSocket, io::UpgradedIo};

use crate::{client::Client, transport::Transport};

/// HTTP/2.
pub(crate) struct Http2;

impl Transport for Http2 {
    type Io = UpgradedIo;
    /// Keeps the connection, which would otherwise end with the stream.
    type Client = Client<Stream, raw::Client>;

    /// hyper passes writes of at most 16 KiB to its connection through a channel with two slots. It
    /// keeps one write until there is space, and h2 has one.
    const AHEAD: usize = 4 * 16 * 1024;

    /// The two ends of the connection.
    const TASKS: usize = 2;

    async fn connect(
        acceptor: Acceptor<AcceptAll>,
        room: usize,
        offer: Option<&str>,
    ) -> (Self::Client, WebSocket<UpgradedIo>) {
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
        builder
            .initial_window_size(room as u32)
            .initial_connection_window_size(16 << 20)
            .max_frame_size(1 << 20);
        let (mut client, _) = raw::connect(client, &builder).await;
        client.ready().await;
        let mut request = raw::Client::websocket("http://x/");
        if let Some(offer) = offer {
            request = request.header("sec-websocket-extensions", offer);
        }
        let stream = client.open(request).await;
        let (socket, ()) = take.await.unwrap().await.unwrap();
        (Client { io: stream, kept: client }, socket)
    }

    fn writes(client: &Self::Client) -> usize {
        client.io.frames()
    }

    /// The data in flight to the client.
    async fn finish(client: &mut Self::Client) {
        client.io.read_to_end(&mut Vec::new()).await.expect("the end of the stream, not a reset");
    }
}
