//! A client in memory, which makes and reads frames by itself.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tower_websocket::{AcceptAll, Acceptor, Config, Deflate, HandshakeService, WebSocket};

pub(crate) use raw_client::deflate::{Deflater, Inflater, NO_TAKEOVER, TAKEOVER};

pub(crate) const FIN: u8 = 0x80;
pub(crate) const RSV1: u8 = 0x40;
pub(crate) const CONTINUE: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

pub(crate) type Socket = WebSocket<DuplexStream>;

/// With every message compressed.
pub(crate) fn config() -> Config {
    Config::new().deflate(Deflate::new().threshold(0).context_takeover(true))
}

/// A client.
pub(crate) struct Peer {
    pub(crate) io: DuplexStream,
    /// The response's line and headers.
    pub(crate) head: String,
}

/// An open socket and its client, which sends `extensions` as so many header lines.
pub(crate) async fn open(config: Config, extensions: &[&str]) -> (Peer, Socket) {
    open_with(AcceptAll::new(), config, extensions).await
}

pub(crate) async fn open_with<H>(handshake: H, config: Config, extensions: &[&str]) -> (Peer, Socket)
where
    H: HandshakeService<Extra = ()>,
{
    let (mut io, server) = tokio::io::duplex(1 << 20);
    let mut request = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        .to_owned();
    for line in extensions {
        request += &format!("Sec-WebSocket-Extensions: {line}\r\n");
    }
    request += "\r\n";
    io.write_all(request.as_bytes()).await.unwrap();
    let (socket, ()) = Acceptor::new(handshake).with_config(config).accept(server).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(io.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "));
    (Peer { io, head }, socket)
}

impl Peer {
    /// The extensions that the response agrees on.
    pub(crate) fn extensions(&self) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-extensions"))
            .map(|(_, value)| value)
            .collect()
    }

    pub(crate) async fn send(&mut self, first: u8, payload: &[u8]) {
        self.io.write_all(&frame(first, payload)).await.unwrap();
    }

    /// The next frame; `None` at the end of the stream.
    pub(crate) async fn recv(&mut self) -> Option<(u8, Vec<u8>)> {
        let first = self.io.read_u8().await.ok()?;
        let len = match self.io.read_u8().await.unwrap() {
            126 => self.io.read_u16().await.unwrap().into(),
            127 => self.io.read_u64().await.unwrap(),
            len => len.into(),
        };
        let mut payload = vec![0; len as usize];
        self.io.read_exact(&mut payload).await.unwrap();
        Some((first, payload))
    }

    /// The code of the Close that comes next.
    pub(crate) async fn recv_close(&mut self) -> u16 {
        let (first, payload) = self.recv().await.unwrap();
        assert_eq!(first, FIN | CLOSE, "{payload:?}");
        u16::from_be_bytes([payload[0], payload[1]])
    }
}

/// A masked frame.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        len @ 0..=125 => frame.push(0x80 | len as u8),
        len @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend((len as u16).to_be_bytes());
        }
        len => {
            frame.push(0x80 | 127);
            frame.extend((len as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// Text that repeats itself, but not only.
pub(crate) fn text(len: usize) -> String {
    (0..)
        .flat_map(|i| format!("{{\"id\": {i}, \"name\": \"item {}\"}},", i * 7919).into_bytes())
        .map(char::from)
        .take(len)
        .collect()
}

/// Bytes that repeat neither themselves nor those of another length.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut seed = len as u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}
