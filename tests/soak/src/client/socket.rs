//! The client of an open WebSocket, in raw frames.

use std::{io, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf},
    time::{Instant, sleep_until, timeout},
};

use super::{
    connect::{Stream, Way, http1, http2},
    deflate::Deflate,
    frame::{self, BINARY, CLOSE, CONTINUATION, FIN, Frame, PING, PONG, RSV1, TEXT},
    opening::{self, Form},
    trouble::Trouble,
    world::{Counts, World},
};
use crate::{
    message::{self, Ask},
    rng::Rng,
};

/// How long a client waits for expected data. It only has to be longer than any delay of the
/// machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The client of an open WebSocket. It reads whenever it writes or waits.
pub(crate) struct Socket<'a> {
    pub(crate) read: ReadHalf<Box<dyn Stream>>,
    pub(crate) write: WriteHalf<Box<dyn Stream>>,
    pub(crate) input: BytesMut,
    /// The data to write.
    pub(crate) output: BytesMut,
    is_flushed: bool,
    id: u64,
    world: &'a World,
    rng: Rng,
    form: Form,
    deflate: Deflate,
    /// The unfinished message: its first byte and its payload.
    partial: Option<(u8, Vec<u8>)>,
    /// How many messages were sent and received.
    pub(crate) up: u64,
    pub(crate) down: u64,
    pub(crate) pings: u64,
    /// The payload of the last pong.
    pub(crate) pong: Bytes,
    /// The code with which the server closes.
    pub(crate) closed: Option<u16>,
    has_closed: bool,
}

impl<'a> Socket<'a> {
    /// Opens a socket. With `cuts`, it ends with a reset, except over HTTP/2.
    pub(crate) async fn open(
        world: &'a World,
        way: Way,
        form: Form,
        id: u64,
        cuts: bool,
    ) -> Result<Self, Trouble> {
        let mut input = BytesMut::new();
        let opening = async {
            if way.is_http2() {
                return http2(world, way, id, form).await;
            }
            let mut io = http1(world, way, id, cuts).await?;
            io.write_all(opening::open(id, form).as_bytes()).await?;
            io.flush().await?;
            match opening::status(&mut io, &mut input).await? {
                101 => Ok(io),
                status => Err(Trouble::Wrong(format!("a {status} for an opening handshake"))),
            }
        };
        let io = timeout(PATIENCE, opening).await.map_err(|_| Trouble::Late("answer to the request"))??;
        Ok(Self::new(world, io, input, form, id))
    }

    /// Returns the client of an open socket.
    pub(crate) fn new(world: &'a World, io: Box<dyn Stream>, input: BytesMut, form: Form, id: u64) -> Self {
        let (read, write) = tokio::io::split(io);
        Self {
            read,
            write,
            input,
            output: BytesMut::new(),
            is_flushed: true,
            id,
            world,
            rng: Rng::new(id, 1),
            form,
            deflate: Deflate::new(form),
            partial: None,
            up: 0,
            down: 0,
            pings: 0,
            pong: Bytes::new(),
            closed: None,
            has_closed: false,
        }
    }

    pub(crate) fn mask(&mut self) -> u32 {
        self.rng.next() as u32
    }

    /// Queues a frame.
    pub(crate) fn frame(&mut self, first: u8, payload: &[u8]) {
        let mask = self.mask();
        frame::put(&mut self.output, first, payload, mask);
    }

    /// Queues the next message, in this many frames.
    pub(crate) fn send(&mut self, ask: Ask, is_text: bool, filling: &[u8], frames: usize) {
        let mut payload = message::encode(self.id, self.up, ask, is_text, filling);
        self.up += 1;
        Counts::add(&self.world.counts.up, 1);
        Counts::add(&self.world.counts.bytes, payload.len() as u64);
        let mut first = if is_text { TEXT } else { BINARY };
        if self.form != Form::Plain && self.rng.chance(80) {
            payload = self.deflate.compress(&payload);
            first |= RSV1;
        }
        let each = payload.len().div_ceil(frames).max(1);
        let mut parts = payload.chunks(each).peekable();
        while let Some(part) = parts.next() {
            let is_last = parts.peek().is_none();
            self.frame(if is_last { first | FIN } else { first }, part);
            first = CONTINUATION;
            if !is_last && self.rng.chance(20) {
                // A ping is allowed between two fragments.
                self.frame(FIN | PING, b"between");
            }
        }
    }

    /// Queues a Close, after which nothing is sent.
    pub(crate) fn close(&mut self, code: u16) {
        if !self.has_closed {
            self.frame(FIN | CLOSE, &code.to_be_bytes());
            self.has_closed = true;
        }
    }

    /// Ends this side of the stream. Pings and Closes are not answered after that.
    pub(crate) async fn half_close(&mut self) -> Result<(), Trouble> {
        self.has_closed = true;
        self.output.clear();
        Ok(self.write.shutdown().await?)
    }

    /// Reads and writes until `reached`.
    pub(crate) async fn until(
        &mut self,
        what: &'static str,
        reached: impl Fn(&Self) -> bool,
    ) -> Result<(), Trouble> {
        let deadline = Instant::now() + PATIENCE;
        while !reached(self) {
            if let Some(code) = self.closed {
                return Err(Trouble::Closed(code));
            }
            tokio::select! {
                biased;
                pumped = self.pump() => if !pumped? {
                    return Err(Trouble::End);
                },
                () = sleep_until(deadline) => return Err(Trouble::Late(what)),
            }
        }
        Ok(())
    }

    /// Reads and writes until everything queued is written.
    pub(crate) async fn written(&mut self) -> Result<(), Trouble> {
        self.until("space for the queued data", |socket| socket.output.is_empty() && socket.is_flushed).await
    }

    /// Reads and writes for a while, or until the run is to finish.
    pub(crate) async fn stay(&mut self, time: Duration) -> Result<(), Trouble> {
        let mut stop = self.world.stop.clone();
        let deadline = Instant::now() + time;
        let mut stopped = std::pin::pin!(stop.wait_for(|stop| *stop));
        loop {
            if let Some(code) = self.closed {
                return Err(Trouble::Closed(code));
            }
            tokio::select! {
                biased;
                _ = &mut stopped => return Ok(()),
                () = sleep_until(deadline) => return Ok(()),
                pumped = self.pump() => if !pumped? {
                    return Err(Trouble::End);
                },
            }
        }
    }

    /// Reads and writes until the server's Close, and then until the end of the stream, which must
    /// be clean. Returns the close code.
    pub(crate) async fn end(&mut self) -> Result<u16, Trouble> {
        self.until("Close", |socket| socket.closed.is_some()).await?;
        let end = async {
            while self.pump().await? {}
            Ok(self.closed.unwrap_or_default())
        };
        timeout(PATIENCE, end).await.unwrap_or(Err(Trouble::Late("end of the stream")))
    }

    /// Reads or writes some data. Returns false at the end of the stream. Cancel safe.
    pub(crate) async fn pump(&mut self) -> Result<bool, Trouble> {
        if let Some(frame) = frame::take(&mut self.input).map_err(Trouble::Wrong)? {
            self.take(frame)?;
            return Ok(true);
        }
        let Self { read, write, input, output, is_flushed, has_closed, .. } = self;
        let is_writing = !output.is_empty() || !*is_flushed;
        let writing = async {
            let written = if output.is_empty() {
                write.flush().await
            } else {
                *is_flushed = false;
                match write.write_buf(output).await {
                    Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                    Ok(_) => return Ok(true),
                    Err(error) => Err(error),
                }
            };
            // After a Close, the server may have received everything that it expects and stop
            // reading: over HTTP/2 it resets the stream, without an error (RFC 9113 §8.1). Its
            // earlier data can still be read.
            if !*has_closed {
                written?;
            }
            *is_flushed = true;
            *output = BytesMut::new();
            Ok(true)
        };
        tokio::select! {
            read = read.read_buf(input) => Ok(read? > 0),
            written = writing, if is_writing => written,
        }
    }

    fn take(&mut self, frame: Frame) -> Result<(), Trouble> {
        let Frame { first, payload } = frame;
        let wrong = |what: &str| Err(Trouble::Wrong(what.to_owned()));
        match first {
            _ if self.closed.is_some() => return wrong("a frame after Close"),
            0x89 => {
                self.pings += 1;
                if !self.has_closed {
                    self.frame(FIN | PONG, &payload);
                }
            }
            0x8a => self.pong = payload,
            0x88 => {
                let Some(code) = payload.first_chunk() else { return wrong("a Close without a code") };
                let code = u16::from_be_bytes(*code);
                self.closed = Some(code);
                self.close(code);
            }
            _ => {
                let (begin, rest) = match (self.partial.take(), first & 0x0f) {
                    (Some(partial), CONTINUATION) if first & 0x70 == 0 => partial,
                    (None, TEXT | BINARY) if first & 0x30 == 0 => (first, Vec::new()),
                    (partial, _) => {
                        return wrong(&format!(
                            "a frame {first:#x}, and before it {:?}",
                            partial.map(|it| it.0)
                        ));
                    }
                };
                if begin & RSV1 > 0 && self.form == Form::Plain {
                    return wrong("a compressed message");
                }
                if first & FIN == 0 {
                    self.partial = Some((begin, [&rest, &payload[..]].concat()));
                    return Ok(());
                }
                let whole = if rest.is_empty() { payload } else { [&rest, &payload[..]].concat().into() };
                self.received(begin, whole)?;
            }
        }
        Ok(())
    }

    fn received(&mut self, first: u8, payload: Bytes) -> Result<(), Trouble> {
        let payload = if first & RSV1 > 0 {
            self.deflate.inflate(&payload).map_err(Trouble::Wrong)?.into()
        } else {
            payload
        };
        let is_text = first & 0x0f == TEXT;
        if is_text && std::str::from_utf8(&payload).is_err() {
            return Err(Trouble::Wrong("text that is none".to_owned()));
        }
        message::decode(self.id, self.down, is_text, &payload).map_err(Trouble::Wrong)?;
        self.down += 1;
        Counts::add(&self.world.counts.down, 1);
        Counts::add(&self.world.counts.bytes, payload.len() as u64);
        Ok(())
    }
}
