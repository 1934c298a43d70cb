//! A client in memory, which makes and reads frames by itself.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tower_websocket::{AcceptAll, Acceptor, Config, Deflate, HandshakeService, WebSocket};

pub(crate) const FIN: u8 = 0x80;
pub(crate) const RSV1: u8 = 0x40;
pub(crate) const CONTINUE: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// What a client sends to get context takeover, or not, if the server agrees.
pub(crate) const TAKEOVER: &str = "permessage-deflate";
pub(crate) const NO_TAKEOVER: &str =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

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

/// The client's compressor.
pub(crate) struct Deflater {
    inner: Compress,
    takeover: bool,
}

impl Deflater {
    pub(crate) fn new(takeover: bool) -> Self {
        Self { inner: Compress::new(Compression::new(6), false), takeover }
    }

    /// The payload of a compressed message.
    pub(crate) fn message(&mut self, message: &[u8]) -> Vec<u8> {
        let mut output = self.deflate(message, FlushCompress::Sync);
        if message.is_empty() {
            // There is nothing to flush.
            return vec![0];
        }
        assert_eq!(output.split_off(output.len() - 4), TAIL);
        output
    }

    /// The payload of a compressed message that ends its stream (RFC 7692 §7.2.3.4).
    pub(crate) fn last(&mut self, message: &[u8]) -> Vec<u8> {
        let mut output = self.deflate(message, FlushCompress::Finish);
        self.inner.reset();
        output.push(0);
        output
    }

    fn deflate(&mut self, message: &[u8], flush: FlushCompress) -> Vec<u8> {
        if !self.takeover {
            self.inner.reset();
        }
        let mut output = Vec::with_capacity(2 * message.len() + 1000);
        self.inner.compress_vec(message, &mut output, flush).unwrap();
        assert!(output.len() < output.capacity());
        output
    }
}

/// The client's inflater.
pub(crate) struct Inflater {
    inner: Decompress,
    takeover: bool,
}

impl Inflater {
    pub(crate) fn new(takeover: bool, window_bits: u8) -> Self {
        Self { inner: Decompress::new_with_window_bits(false, window_bits), takeover }
    }

    /// The message with this payload.
    pub(crate) fn message(&mut self, payload: &[u8]) -> Vec<u8> {
        if !self.takeover {
            self.inner.reset(false);
        }
        let input = [payload, &TAIL].concat();
        let (mut output, mut consumed) = (Vec::new(), 0);
        loop {
            output.reserve(1 << 16);
            let before = self.inner.total_in();
            let status = self.inner.decompress_vec(&input[consumed..], &mut output, FlushDecompress::Sync);
            assert_ne!(status.unwrap(), Status::StreamEnd);
            consumed += (self.inner.total_in() - before) as usize;
            if output.len() < output.capacity() {
                assert_eq!(consumed, input.len());
                return output;
            }
        }
    }
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
