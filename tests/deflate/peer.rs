//! A client in memory, which builds and parses frames itself.

use raw_client::{frame, opening, read_frame, whole::CLOSE};
use tokio::{
    io::{AsyncWriteExt, DuplexStream},
    join,
};
use tower_websocket::{AcceptAll, Acceptor, Config, Deflate, HandshakeService, WebSocket};

pub(crate) type Socket = WebSocket<DuplexStream>;

/// Returns a configuration that compresses every message.
pub(crate) fn config() -> Config {
    Config::new().deflate(Deflate::new().threshold(0).context_takeover(true))
}

/// A client.
pub(crate) struct Peer {
    pub(crate) io: DuplexStream,
    /// The response's status line and headers.
    pub(crate) head: String,
}

/// Returns an open socket and its client, which sends each of `extensions` as a header line.
pub(crate) async fn open(config: Config, extensions: &[&str]) -> (Peer, Socket) {
    open_with(AcceptAll, config, extensions).await
}

pub(crate) async fn open_with<H>(handshake: H, config: Config, extensions: &[&str]) -> (Peer, Socket)
where
    H: HandshakeService<Extra = ()>,
{
    let (mut io, server) = tokio::io::duplex(1 << 20);
    let headers: String =
        extensions.iter().map(|offer| format!("Sec-WebSocket-Extensions: {offer}\r\n")).collect();
    let acceptor = Acceptor::new(handshake).with_config(config);
    let (accepted, opened) = join!(acceptor.accept(server), opening::open(&mut io, "/", &headers));
    let (head, (socket, ())) = (opened.unwrap(), accepted.unwrap());
    (Peer { io, head }, socket)
}

impl Peer {
    /// Returns the extensions of the response.
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

    /// Returns the next frame, or `None` at the end of the stream.
    pub(crate) async fn recv(&mut self) -> Option<(u8, Vec<u8>)> {
        read_frame(&mut self.io).await
    }

    /// Returns the code of the next frame, which must be a Close.
    pub(crate) async fn recv_close(&mut self) -> u16 {
        let (first, payload) = self.recv().await.unwrap();
        assert_eq!(first, CLOSE, "{payload:?}");
        u16::from_be_bytes([payload[0], payload[1]])
    }
}

/// Returns text that is partly repetitive.
pub(crate) fn text(len: usize) -> String {
    (0..)
        .flat_map(|i| format!("{{\"id\": {i}, \"name\": \"item {}\"}},", i * 7919).into_bytes())
        .map(char::from)
        .take(len)
        .collect()
}

/// Returns bytes without repetitions, different for each length.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut seed = len as u64;
    let mut next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}
