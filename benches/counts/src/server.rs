//! The servers, which clients reach in memory.

use std::{
    io,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, duplex},
    runtime::Runtime,
    sync::mpsc,
};
use tower_websocket::{
    AcceptAll, Acceptor, Config, Deflate, Sender, WebSocket, WebSocketUpgradeLayer, serve,
    server::{HttpService, Listener},
};

/// The limit of bytes in flight in each direction.
const IN_FLIGHT: usize = 256 << 10;

/// Connects to a server.
pub(crate) type Connect = Box<dyn Fn() -> DuplexStream>;

/// Starts a server with [`serve`] whose sockets echo.
pub(crate) fn echo(runtime: &Runtime, config: Config) -> Connect {
    listen(runtime, WebSocketUpgradeLayer::accept_all(echo_on).with_config(config).into_service())
}

/// Starts a server like [`echo`] that compresses.
pub(crate) fn deflate(runtime: &Runtime) -> Connect {
    echo(runtime, Config::new().deflate(Deflate::new()))
}

/// Starts an echo server on raw streams, without an HTTP server.
pub(crate) fn acceptor(runtime: &Runtime) -> Connect {
    let acceptor = Arc::new(Acceptor::new(AcceptAll));
    let handle = runtime.handle().clone();
    Box::new(move || {
        let (client, io) = duplex(IN_FLIGHT);
        let acceptor = Arc::clone(&acceptor);
        handle.spawn(async move {
            let (socket, ()) = acceptor.accept(io).await.expect("an upgrade");
            let _ = socket.drive(echo_on).await;
        });
        client
    })
}

/// Starts a server that returns a [`Sender`] for each socket.
pub(crate) fn subscriptions(runtime: &Runtime) -> (Connect, mpsc::UnboundedReceiver<Sender>) {
    let (subscriptions, senders) = mpsc::unbounded_channel();
    let layer = WebSocketUpgradeLayer::accept_all(move |socket: WebSocket| {
        let subscriptions = subscriptions.clone();
        async move {
            let (sender, mut receiver) = socket.split();
            subscriptions.send(sender).expect("it is received");
            while let Some(Ok(_)) = receiver.recv().await {}
        }
    });
    (listen(runtime, layer.into_service()), senders)
}

async fn echo_on<IO: AsyncRead + AsyncWrite + Unpin>(mut socket: WebSocket<IO>) {
    while let Some(Ok(message)) = socket.recv_data().await {
        if socket.send(message).await.is_err() {
            break;
        }
    }
}

fn listen(runtime: &Runtime, service: impl HttpService) -> Connect {
    let (connect, connections) = mpsc::unbounded_channel();
    runtime.spawn(serve(Connections(connections), service).into_future());
    Box::new(move || {
        let (client, io) = duplex(IN_FLIGHT);
        connect.send(io).expect("the server runs");
        client
    })
}

struct Connections(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Connections {
    type Io = DuplexStream;
    type Addr = ();

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(DuplexStream, ())>> {
        match ready!(self.0.poll_recv(cx)) {
            Some(io) => Poll::Ready(Ok((io, ()))),
            // No further client will connect.
            None => Poll::Pending,
        }
    }
}
