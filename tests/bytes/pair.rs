//! A socket over TCP, and its client.

use raw_client::{frame, opening::open, read_frame, whole::CLOSE};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower_websocket::{AcceptAll, Acceptor, Config, WebSocket};

/// A client that sends and receives raw frames.
pub(crate) struct Client(pub(crate) TcpStream);

pub(crate) async fn pair(config: Config) -> (Client, WebSocket<TcpStream>) {
    pair_with(config, "").await
}

/// The same, with the extensions that the client offers.
pub(crate) async fn pair_with(config: Config, offer: &str) -> (Client, WebSocket<TcpStream>) {
    let headers = match offer {
        "" => String::new(),
        offer => format!("Sec-WebSocket-Extensions: {offer}\r\n"),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    client.set_nodelay(true).unwrap();
    let (server, _) = listener.accept().await.unwrap();
    let acceptor = Acceptor::new(AcceptAll).with_config(config);
    let (accepted, opened) = tokio::join!(acceptor.accept(server), open(&mut client, "/", &headers));
    opened.unwrap();
    (Client(client), accepted.unwrap().0)
}

impl Client {
    pub(crate) async fn send(&mut self, first: u8, payload: impl AsRef<[u8]>) {
        self.send_raw(&frame(first, payload.as_ref())).await;
    }

    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn send_close(&mut self, code: u16) {
        self.send(CLOSE, code.to_be_bytes()).await;
    }

    /// Returns the next frame: its first byte and its payload.
    pub(crate) async fn recv(&mut self) -> (u8, Vec<u8>) {
        read_frame(&mut self.0).await.expect("a frame, not the end of the stream")
    }

    /// Returns the code of the next frame, which must be a Close.
    pub(crate) async fn recv_close(&mut self) -> u16 {
        let (first, payload) = self.recv().await;
        assert_eq!(first, CLOSE, "{payload:?}");
        u16::from_be_bytes([payload[0], payload[1]])
    }

    pub(crate) async fn eof(&mut self) {
        assert_eq!(self.0.read(&mut [0]).await.unwrap(), 0, "the end of the stream");
    }
}
