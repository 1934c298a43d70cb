//! HTTP/2 frames as bytes (RFC 9113 §4 and §6, RFC 7541 §6.2.2).

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::timeout,
};

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;

pub const END_STREAM: u8 = 1;
pub const ACK: u8 = 1;
pub const END_HEADERS: u8 = 4;

pub const ENHANCE_YOUR_CALM: u32 = 11;

pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Returns header fields, neither indexed nor compressed.
pub fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let string = |text: &str| {
        [&[u8::try_from(text.len()).ok().filter(|n| *n < 127).unwrap()], text.as_bytes()].concat()
    };
    fields.iter().flat_map(|(name, value)| [vec![0], string(name), string(value)].concat()).collect()
}

/// Returns the preface, and empty settings.
pub fn hello() -> Vec<u8> {
    [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()
}

/// Returns a whole request.
pub fn get(stream: u32, path: &str) -> Vec<u8> {
    let fields =
        fields(&[(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", path)]);
    frame(HEADERS, END_STREAM | END_HEADERS, stream, &fields)
}

/// Returns the head of a request for a WebSocket (RFC 8441 §5.1).
pub fn extended_connect(stream: u32, path: &str) -> Vec<u8> {
    let fields = fields(&[
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "localhost"),
        ("sec-websocket-version", "13"),
    ]);
    frame(HEADERS, END_HEADERS, stream, &fields)
}

/// A received frame.
#[derive(Debug)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    /// Returns the error code of a GOAWAY.
    pub fn goaway(&self) -> Option<u32> {
        let code = self.payload.get(4..8)?.try_into().unwrap();
        (self.kind == GOAWAY).then(|| u32::from_be_bytes(code))
    }
}

/// Returns the next frame, or `None` at the end of the stream or after an error.
pub async fn read<IO: AsyncRead + Unpin + ?Sized>(io: &mut IO) -> Option<Frame> {
    let mut head = [0; 9];
    let read = timeout(Duration::from_secs(1000), io.read_exact(&mut head)).await;
    read.expect("the server is silent").ok()?;
    let [_, a, b] = [0, head[1], head[2]];
    let mut payload = vec![0; u32::from_be_bytes([0, head[0], a, b]) as usize];
    io.read_exact(&mut payload).await.ok()?;
    let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    Some(Frame { kind: head[3], flags: head[4], stream, payload })
}

/// Reads until a frame satisfies `is`.
pub async fn read_until<IO: AsyncRead + Unpin>(io: &mut IO, is: impl Fn(&Frame) -> bool) -> Frame {
    loop {
        let frame = read(io).await.expect("the connection ended before that");
        if is(&frame) {
            return frame;
        }
    }
}
