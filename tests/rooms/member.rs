//! A socket and its client.

use raw_client::{opening, read_frame};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, duplex},
    join,
    net::{TcpListener, TcpStream},
};
use tower_websocket::{AcceptAll, Acceptor, Config, Receiver, Sender, WebSocket};

/// A client, and the halves of its socket.
pub(crate) struct Member<IO, Client> {
    pub(crate) client: Client,
    pub(crate) sender: Sender<IO>,
    pub(crate) receiver: Receiver<IO>,
}

/// Returns a member in memory. `room` is the number of bytes that the pipe buffers.
pub(crate) async fn in_memory(
    config: Config,
    room: usize,
    offer: &str,
) -> Member<DuplexStream, DuplexStream> {
    let (client, server) = duplex(room);
    open(config, client, server, offer).await
}

/// Returns a member over TCP.
pub(crate) async fn over_tcp(config: Config) -> Member<TcpStream, TcpStream> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (client, accepted) = join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    open(config, client.unwrap(), accepted.unwrap().0, "").await
}

async fn open<IO, Client>(config: Config, mut client: Client, server: IO, offer: &str) -> Member<IO, Client>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + std::fmt::Debug + 'static,
    Client: AsyncRead + AsyncWrite + Unpin,
{
    let socket = accept(config, &mut client, server, offer).await;
    let (sender, receiver) = socket.split();
    Member { client, sender, receiver }
}

/// Returns a client in memory, and its socket.
pub(crate) async fn unsplit(config: Config, room: usize) -> (DuplexStream, WebSocket<DuplexStream>) {
    let (mut client, server) = duplex(room);
    let socket = accept(config, &mut client, server, "").await;
    (client, socket)
}

async fn accept<IO, Client>(config: Config, mut client: Client, server: IO, offer: &str) -> WebSocket<IO>
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + std::fmt::Debug + 'static,
    Client: AsyncRead + AsyncWrite + Unpin,
{
    let acceptor = Acceptor::new(AcceptAll).with_config(config);
    let (opened, accepted) = join!(opening::open(&mut client, "/", offer), acceptor.accept(server));
    opened.unwrap();
    accepted.unwrap().0
}

impl<IO, Client: AsyncRead + Unpin> Member<IO, Client> {
    /// Returns the payload of the next frame, which must be text.
    pub(crate) async fn text(&mut self) -> String {
        let (first, payload) = read_frame(&mut self.client).await.expect("a frame");
        assert_eq!(first, raw_client::whole::TEXT, "{payload:?}");
        String::from_utf8(payload).unwrap()
    }
}
