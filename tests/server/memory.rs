//! A server in memory.

use std::{
    future::IntoFuture,
    io,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{DuplexStream, duplex},
    sync::mpsc,
    task::JoinHandle,
};
use tower_websocket::{
    serve,
    server::{HttpService, Listener, Serve},
};

/// A listener of streams in memory.
pub(crate) struct Pipes(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Pipes {
    type Io = DuplexStream;
    type Addr = ();

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(DuplexStream, ())>> {
        match ready!(self.0.poll_recv(cx)) {
            Some(io) => Poll::Ready(Ok((io, ()))),
            // No client can connect any more.
            None => Poll::Pending,
        }
    }
}

/// Connects to a server in memory.
#[derive(Clone)]
pub(crate) struct Connector(mpsc::UnboundedSender<DuplexStream>);

impl Connector {
    pub(crate) fn connect(&self) -> DuplexStream {
        let (client, server) = duplex(64 * 1024);
        self.0.send(server).expect("the server listens");
        client
    }
}

pub(crate) fn listener() -> (Connector, Pipes) {
    let (connector, pipes) = mpsc::unbounded_channel();
    (Connector(connector), Pipes(pipes))
}

/// Starts a server in memory, configured by `set`.
pub(crate) fn start<S: HttpService>(
    service: S,
    set: impl FnOnce(Serve<Pipes, S>) -> Serve<Pipes, S>,
) -> (Connector, JoinHandle<io::Result<()>>) {
    let (connector, pipes) = listener();
    let server = set(serve(pipes, service));
    (connector, tokio::spawn(server.into_future()))
}
