//! A connection of HTTP/2 with many WebSockets (RFC 8441, RFC 9113).

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read, Write},
};

use raw_client::http2_frames::{
    ACK, END_HEADERS, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE, fields, frame,
};

use super::{
    Target,
    connection::Connection,
    epoll::Epoll,
    frames::{Cursor, Frames},
    socket::{Socket, now},
};
use crate::wire::{Opcode, Replies, server_frame};

/// WebSockets of one connection at most.
const STREAMS: usize = 100;

const DATA: u8 = 0;
const PADDED: u8 = 8;
const INITIAL_WINDOW_SIZE: u16 = 4;
const ENABLE_CONNECT_PROTOCOL: u16 = 8;
/// Bytes in a window, unless the peer sets another number.
const DEFAULT_WINDOW: i64 = 65_535;
/// Bytes in the payload of a frame at most, unless the peer allows more.
const MAX_FRAME: usize = 16_384;
/// No measurement receives this number of bytes, so the client never has to open its windows again.
const OWN_WINDOW: u32 = i32::MAX as u32;
/// `:status: 200`, indexed (RFC 7541, Appendix A).
const STATUS_200: u8 = 0x88;

/// A connection with up to [`STREAMS`] WebSockets.
pub(super) struct Multiplexed {
    socket: Socket,
    index: usize,
    streams: Vec<Stream>,
    /// Streams with bytes to send.
    waiting: VecDeque<usize>,
    /// Bytes that the peer lets the connection send.
    window: i64,
    /// The peer's first window of a stream, once its settings have arrived.
    initial_window: Option<i64>,
    outgoing: Vec<u8>,
    sent: usize,
    head: Vec<u8>,
    /// Bytes of the current frame's payload that are still to come.
    rest: usize,
    /// The payload so far, unless it is data.
    payload: Vec<u8>,
    is_blocked: bool,
}

struct Stream {
    is_open: bool,
    window: i64,
    cursor: Cursor,
    replies: Replies,
    /// Answers that have no message in return yet.
    answered: usize,
    is_waiting: bool,
    /// Everything received, while the first answer is checked.
    received: Option<Vec<u8>>,
}

impl Multiplexed {
    /// Opens `count` WebSockets, at most [`STREAMS`] on a connection.
    pub(super) fn open(target: &Target, count: usize) -> io::Result<Vec<Self>> {
        (0..count).step_by(STREAMS).map(|first| Self::connect(target, STREAMS.min(count - first))).collect()
    }

    fn connect(target: &Target, streams: usize) -> io::Result<Self> {
        let settings = [&INITIAL_WINDOW_SIZE.to_be_bytes()[..], &OWN_WINDOW.to_be_bytes()].concat();
        let more = OWN_WINDOW - DEFAULT_WINDOW as u32;
        let mut connection = Self {
            socket: Socket::connect(target)?,
            index: 0,
            streams: Vec::new(),
            waiting: VecDeque::new(),
            window: DEFAULT_WINDOW,
            initial_window: None,
            outgoing: [
                PREFACE,
                &frame(SETTINGS, 0, 0, &settings),
                &frame(WINDOW_UPDATE, 0, 0, &more.to_be_bytes()),
            ]
            .concat(),
            sent: 0,
            head: Vec::new(),
            rest: 0,
            payload: Vec::new(),
            is_blocked: false,
        };
        while connection.initial_window.is_none() {
            connection.exchange()?;
        }
        let authority = target.address.to_string();
        let request = fields(&[
            (":method", "CONNECT"),
            (":protocol", "websocket"),
            (":scheme", "http"),
            (":authority", &authority),
            (":path", "/echo"),
            ("sec-websocket-version", "13"),
        ]);
        for number in 0..streams {
            connection.outgoing.extend(frame(HEADERS, END_HEADERS, id(number), &request));
            connection.streams.push(Stream {
                is_open: false,
                window: connection.initial_window.unwrap_or(DEFAULT_WINDOW),
                cursor: Cursor::default(),
                replies: Replies::frames(),
                answered: 0,
                is_waiting: false,
                received: None,
            });
        }
        while !connection.streams.iter().all(|stream| stream.is_open) {
            connection.exchange()?;
        }
        Ok(connection)
    }

    /// Writes, then waits for bytes and reads them.
    fn exchange(&mut self) -> io::Result<()> {
        self.socket.write_all(&self.outgoing)?;
        self.outgoing.clear();
        let mut buffer = [0; 16 << 10];
        match self.socket.read(&mut buffer)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            length => self.absorb(&buffer[..length]),
        }
    }

    /// Sends the first of the frames on each stream, and checks that `payload` comes back.
    pub(super) fn prove(&mut self, frames: &Frames, opcode: Opcode, payload: &[u8]) -> io::Result<()> {
        let mut epoll = Epoll::new()?;
        self.register(0, &epoll)?;
        for stream in &mut self.streams {
            stream.received = Some(Vec::new());
        }
        self.start(1, frames, &epoll)?;
        let mut buffer = vec![0; 256 << 10];
        while !self.streams.iter().all(|stream| stream.answered == 1) {
            for _ in epoll.wait()? {
                self.receive(&mut buffer)?;
            }
            self.send(frames, &epoll)?;
        }
        let expected = server_frame(opcode, payload);
        for stream in &mut self.streams {
            stream.answered = 0;
            // The next messages are to begin with the first one again.
            stream.cursor = Cursor::default();
            if stream.received.take().is_none_or(|received| received != expected) {
                return Err(io::Error::other("the echo differs"));
            }
        }
        Ok(())
    }

    /// Lets `epoll` watch the socket under this index.
    pub(super) fn register(&mut self, index: usize, epoll: &Epoll) -> io::Result<()> {
        self.index = index;
        self.socket.set_nonblocking()?;
        epoll.add(&self.socket, index)
    }

    /// Returns the number of answers that have arrived.
    fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let before: usize = self.streams.iter().map(|stream| stream.answered).sum();
        let length = now(self.socket.read(buffer))?;
        self.absorb(&buffer[..length])?;
        Ok(self.streams.iter().map(|stream| stream.answered).sum::<usize>() - before)
    }

    /// Turns the bytes that may be sent into frames, and sends until the socket would block.
    fn send(&mut self, frames: &Frames, epoll: &Epoll) -> io::Result<()> {
        loop {
            self.fill(frames);
            let pending = &self.outgoing[self.sent..];
            if pending.is_empty() {
                break;
            }
            let wanted = pending.len();
            let sent = now(self.socket.write(pending))?;
            self.sent += sent;
            if sent < wanted {
                break;
            }
        }
        let is_blocked = self.sent < self.outgoing.len();
        if self.is_blocked != is_blocked {
            self.is_blocked = is_blocked;
            epoll.want_write(&self.socket, self.index, is_blocked)?;
        }
        Ok(())
    }

    fn fill(&mut self, frames: &Frames) {
        const ENOUGH: usize = 256 << 10;
        if self.sent == self.outgoing.len() {
            self.outgoing.clear();
            self.sent = 0;
        }
        for _ in 0..self.waiting.len() {
            if self.outgoing.len() >= ENOUGH || self.window <= 0 {
                return;
            }
            let Some(number) = self.waiting.pop_front() else { return };
            let stream = &mut self.streams[number];
            let pending = stream.cursor.pending(frames);
            let allowed = self.window.min(stream.window).max(0) as usize;
            let part = &pending[..pending.len().min(allowed).min(MAX_FRAME)];
            if !part.is_empty() {
                let length = (part.len() as u32).to_be_bytes();
                self.outgoing.extend_from_slice(&length[1..]);
                self.outgoing.extend_from_slice(&[DATA, 0]);
                self.outgoing.extend_from_slice(&id(number).to_be_bytes());
                self.outgoing.extend_from_slice(part);
                self.window -= part.len() as i64;
                stream.window -= part.len() as i64;
                stream.cursor.advance(part.len(), frames);
            }
            stream.is_waiting = !stream.cursor.is_done();
            if stream.is_waiting {
                self.waiting.push_back(number);
            }
        }
    }

    fn owe(&mut self, number: usize, messages: usize, frames: &Frames) {
        let stream = &mut self.streams[number];
        stream.cursor.owe(messages, frames);
        if !stream.is_waiting {
            stream.is_waiting = true;
            self.waiting.push_back(number);
        }
    }

    fn absorb(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.head.len() < 9 {
                let (part, rest) = bytes.split_at(bytes.len().min(9 - self.head.len()));
                self.head.extend_from_slice(part);
                bytes = rest;
                if self.head.len() < 9 {
                    return Ok(());
                }
                self.rest = u32::from_be_bytes([0, self.head[0], self.head[1], self.head[2]]) as usize;
                self.payload.clear();
            }
            let (part, rest) = bytes.split_at(bytes.len().min(self.rest));
            bytes = rest;
            self.rest -= part.len();
            let [kind, flags] = [self.head[3], self.head[4]];
            if kind == DATA {
                if flags & PADDED != 0 {
                    return Err(io::Error::other("padded data"));
                }
                self.stream()?.absorb(part)?;
            } else {
                self.payload.extend_from_slice(part);
            }
            if self.rest == 0 {
                if kind != DATA {
                    self.control(kind, flags)?;
                }
                self.head.clear();
            }
        }
        Ok(())
    }

    /// Handles a frame that is complete and is not data.
    fn control(&mut self, kind: u8, flags: u8) -> io::Result<()> {
        match kind {
            SETTINGS if flags & ACK == 0 => self.settings()?,
            PING if flags & ACK == 0 => self.outgoing.extend(frame(PING, ACK, 0, &self.payload)),
            WINDOW_UPDATE => {
                let more = u32::from_be_bytes(self.payload[..4].try_into().map_err(io::Error::other)?);
                match self.head[5..] {
                    [0, 0, 0, 0] => self.window += i64::from(more),
                    _ => self.stream()?.window += i64::from(more),
                }
            }
            HEADERS => {
                // A change of the table's size may come first.
                let first = self.payload.iter().find(|byte| **byte & 0xe0 != 0x20);
                if first != Some(&STATUS_200) {
                    return Err(io::Error::other("refused"));
                }
                self.stream()?.is_open = true;
            }
            RST_STREAM => return Err(io::Error::other("stream reset")),
            GOAWAY => return Err(io::Error::other("GOAWAY")),
            _ => {}
        }
        Ok(())
    }

    fn settings(&mut self) -> io::Result<()> {
        let (mut window, mut is_enabled) = (None, false);
        for setting in self.payload.chunks_exact(6) {
            let value = u32::from_be_bytes([setting[2], setting[3], setting[4], setting[5]]);
            match u16::from_be_bytes([setting[0], setting[1]]) {
                INITIAL_WINDOW_SIZE => window = Some(i64::from(value)),
                ENABLE_CONNECT_PROTOCOL => is_enabled = value == 1,
                _ => {}
            }
        }
        if self.initial_window.is_none() && !is_enabled {
            return Err(io::Error::other("no extended CONNECT"));
        }
        let before = self.initial_window.unwrap_or(DEFAULT_WINDOW);
        let after = window.unwrap_or(before);
        self.initial_window = Some(after);
        for stream in &mut self.streams {
            stream.window += after - before;
        }
        self.outgoing.extend(frame(SETTINGS, ACK, 0, &[]));
        Ok(())
    }

    /// Returns the stream that the current frame is of.
    fn stream(&mut self) -> io::Result<&mut Stream> {
        let id = u32::from_be_bytes([self.head[5], self.head[6], self.head[7], self.head[8]]);
        let number = (id as usize).wrapping_sub(1) / 2;
        self.streams.get_mut(number).ok_or_else(|| io::Error::other("unknown stream"))
    }
}

impl Stream {
    fn absorb(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.answered += self.replies.feed(bytes);
        if let Some(received) = &mut self.received {
            received.extend_from_slice(bytes);
        }
        if self.replies.is_closed() { Err(io::Error::other("closed")) } else { Ok(()) }
    }
}

impl Connection for Multiplexed {
    fn start(&mut self, in_flight: usize, frames: &Frames, epoll: &Epoll) -> io::Result<()> {
        for number in 0..self.streams.len() {
            self.owe(number, in_flight, frames);
        }
        self.send(frames, epoll)
    }

    fn step(&mut self, buffer: &mut [u8], frames: &Frames, epoll: &Epoll) -> io::Result<usize> {
        let count = self.receive(buffer)?;
        for number in 0..self.streams.len() {
            let answered = std::mem::take(&mut self.streams[number].answered);
            if answered > 0 {
                self.owe(number, answered, frames);
            }
        }
        self.send(frames, epoll)?;
        Ok(count)
    }
}

/// Returns the identifier of a client's stream.
fn id(number: usize) -> u32 {
    2 * number as u32 + 1
}
