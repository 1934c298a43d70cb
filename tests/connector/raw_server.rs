//! A server that builds its own bytes, in memory.

use std::time::Duration;

use bytes::BytesMut;
use http::{Request, Response};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    time::timeout,
};
use tower_websocket::{Config, Connector, WebSocket, connect::ConnectError};
use tungstenite::handshake::derive_accept_key;

use tower_websocket::tungstenite;

/// The server's end of a stream.
pub(crate) struct RawServer {
    pub(crate) io: DuplexStream,
}

/// Returns a client's request.
pub(crate) fn request() -> Request<()> {
    Request::get("ws://server.example.com/chat").body(()).unwrap()
}

pub(crate) type Connected = Result<(WebSocket<DuplexStream>, Response<()>), ConnectError<DuplexStream>>;

/// Connects to the server that `serve` runs.
pub(crate) async fn connect<T>(
    connector: &Connector,
    serve: impl AsyncFnOnce(RawServer) -> T,
) -> (Connected, T) {
    let (near, far) = duplex(64 * 1024);
    tokio::join!(connector.connect(request(), near), serve(RawServer { io: far }))
}

/// Returns an open WebSocket, and the server's end of it.
pub(crate) async fn open(config: Config) -> (WebSocket<DuplexStream>, RawServer) {
    let connector = Connector::new().with_config(config);
    let (connected, server) = connect(&connector, async |mut server| {
        server.accept("").await;
        server
    })
    .await;
    (connected.unwrap().0, server)
}

impl RawServer {
    /// Reads the head of the request.
    pub(crate) async fn request(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.io.read_u8().await.unwrap());
        }
        String::from_utf8(head).unwrap()
    }

    /// Reads the head of the request, and accepts it with more header lines, each with its line
    /// ending.
    pub(crate) async fn accept(&mut self, more: &str) -> String {
        let head = self.request().await;
        let response = accepting(&head, more);
        self.io.write_all(response.as_bytes()).await.unwrap();
        head
    }

    /// Reads a client's frame, and returns its first byte and its payload, or `None` at the end of
    /// the stream.
    pub(crate) async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let first =
            timeout(Duration::from_secs(3600), self.io.read_u8()).await.expect("nothing comes").ok()?;
        let second = self.io.read_u8().await.unwrap();
        assert!(second & 0x80 != 0, "a client masks");
        let len = match second & 0x7f {
            126 => self.io.read_u16().await.unwrap().into(),
            127 => self.io.read_u64().await.unwrap(),
            len => len.into(),
        };
        let key = self.io.read_u32().await.unwrap().to_be_bytes();
        let mut payload = vec![0; len as usize];
        self.io.read_exact(&mut payload).await.unwrap();
        payload.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
        Some((first, payload))
    }

    /// Sends a frame, without a mask.
    pub(crate) async fn send(&mut self, first: u8, payload: &[u8]) {
        let mut frame = BytesMut::from(&raw_client::header(first, payload.len() as u64)[..]);
        frame.truncate(frame.len() - 4);
        frame[1] &= 0x7f;
        frame.extend_from_slice(payload);
        self.io.write_all(&frame).await.unwrap();
    }
}

/// Returns the response that accepts a request with this head.
pub(crate) fn accepting(request: &str, more: &str) -> String {
    let key = header(request, "sec-websocket-key").expect("there is a key");
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n{more}\r\n",
        derive_accept_key(key.as_bytes())
    )
}

/// Returns the value of a header in a request's head.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(its, _)| its.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
