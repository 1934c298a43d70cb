//! Random scripts in both directions at once, compared with the expected results.

use std::{pin::pin, time::Duration};

use futures_util::{Sink, SinkExt, Stream, StreamExt};
use raw_client::{
    frame, read_frame,
    whole::{BINARY, CLOSE, PING, PONG, TEXT},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    sync::oneshot,
    task::yield_now,
    time::sleep,
};
use tower_websocket::{
    CloseCode, CloseFrame, Config, Error, Message, WebSocket, tungstenite::error::ProtocolError,
};

use crate::{
    form::by_form,
    pair::{is_keepalive, open},
    transport::{Transport, over_each_transport},
};

over_each_transport! {
    nothing_is_lost_duplicated_or_out_of_order,
}

/// Pseudo-random numbers with a fixed seed.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    pub(crate) fn split(&mut self) -> Self {
        Self(self.below(usize::MAX) as u64)
    }

    async fn pause(&mut self) {
        match self.below(40) {
            0 => sleep(Duration::from_millis(self.below(400) as u64)).await,
            1..10 => yield_now().await,
            _ => {}
        }
    }

    /// Returns a text or binary message.
    fn message(&mut self) -> Message {
        let largest = self.pick(&[1, 10, 126, 127, 1000, 5000, 5000, 70_000]);
        let len = self.below(largest);
        if self.one_in(2) {
            Message::binary((0..len).map(|_| self.below(256) as u8).collect::<Vec<_>>())
        } else {
            Message::text((0..len / 2).map(|_| self.pick(&['x', 'é', '€', '😀'])).collect::<String>())
        }
    }
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    ByClient,
    HalfClose,
    ByServer,
}

/// The messages in each direction, and the expected results.
#[derive(Debug)]
struct Script {
    /// The client's frames, as bytes.
    stream: Vec<u8>,
    received: Vec<Message>,
    /// Whether a message of the client is too large.
    is_too_large: bool,
    sent: Vec<Message>,
    end: End,
    /// The code of the server's Close, if the server ends the connection.
    code: Option<CloseCode>,
}

impl Script {
    fn new(random: &mut Random, max_message: usize, max_frame: usize) -> Self {
        let mut script = Self {
            stream: Vec::new(),
            received: Vec::new(),
            is_too_large: false,
            sent: (0..random.below(40)).map(|_| random.message()).collect(),
            end: random.pick(&[End::ByClient, End::HalfClose, End::ByServer]),
            code: random.pick(&[None, Some(CloseCode::NORMAL)]),
        };
        for _ in 0..random.below(40) {
            script.control(random);
            let message = random.message();
            let mut first = if message.is_text() { TEXT } else { BINARY };
            let payload = message.clone().into_data();
            let (mut rest, mut done) = (&payload[..], 0);
            loop {
                let cut = if random.one_in(3) { random.below(rest.len() + 1) } else { rest.len() };
                let is_final = cut == rest.len();
                let (part, others) = rest.split_at(cut);
                script.stream.extend(frame(if is_final { first } else { first & 0x0f }, part));
                rest = others;
                done += part.len();
                script.is_too_large |= part.len() > max_frame || done > max_message;
                if is_final || script.is_too_large {
                    break;
                }
                first = 0x80;
                script.control(random);
            }
            if script.is_too_large {
                script.end = End::ByClient;
                break;
            }
            script.received.push(message);
        }
        script
    }

    fn control(&mut self, random: &mut Random) {
        if random.one_in(4) {
            let payload = vec![self.received.len() as u8; random.below(126)];
            if random.one_in(2) {
                self.stream.extend(frame(PING, &payload));
                self.received.push(Message::Ping(payload.into()));
            } else {
                self.stream.extend(frame(PONG, &payload));
                self.received.push(Message::Pong(payload.into()));
            }
        }
    }

    /// The client. It sends and receives at the same time.
    async fn client(&self, io: impl AsyncRead + AsyncWrite + Unpin, random: &mut Random) {
        let (mut input, mut output) = tokio::io::split(io);
        let (all, all_came) = oneshot::channel();
        let mut writing = random.split();
        let write = async {
            let mut rest = &self.stream[..];
            while !rest.is_empty() {
                let largest = writing.pick(&[10, 100, 10_000, 100_000]);
                let (part, others) = rest.split_at((1 + writing.below(largest)).min(rest.len()));
                // After an oversized message the server may be gone.
                if output.write_all(part).await.is_err() {
                    assert!(self.is_too_large);
                    return;
                }
                rest = others;
                writing.pause().await;
            }
            all_came.await.unwrap();
            match self.end {
                End::HalfClose => output.shutdown().await.unwrap(),
                _ => {
                    let _ = output.write_all(&frame(CLOSE, &[3, 232])).await;
                }
            }
        };
        let read = async {
            let mut messages = Vec::new();
            let mut parts = None::<(u8, Vec<u8>)>;
            let mut pings: Vec<_> = self.received.iter().filter(|message| message.is_ping()).collect();
            pings.reverse();
            let mut all = Some(all);
            loop {
                if messages.len() == self.sent.len() && self.end != End::ByServer && !self.is_too_large {
                    if let Some(all) = all.take() {
                        all.send(()).unwrap();
                    }
                }
                random.pause().await;
                let Some((first, payload)) = read_frame(&mut input).await else { break None };
                match first {
                    CLOSE => {
                        // Nothing follows.
                        if let Some(all) = all.take() {
                            all.send(()).unwrap();
                        }
                        assert_eq!(read_frame(&mut input).await, None);
                        break Some(payload.first_chunk().map(|code| u16::from_be_bytes(*code)));
                    }
                    PING => assert!(is_keepalive(&payload)),
                    // Pongs arrive in order, though not every ping is answered.
                    PONG => while *pings.pop().expect("a ping").clone().into_data() != payload[..] {},
                    _ => {
                        let (opcode, mut message) = parts.take().unwrap_or_default();
                        assert_eq!(first & 0x0f == 0, opcode != 0);
                        message.extend(payload);
                        match (first & 0x80, opcode | first & 0x0f) {
                            (0, opcode) => parts = Some((opcode, message)),
                            (_, 1) => messages.push(Message::text(String::from_utf8(message).unwrap())),
                            (_, 2) => messages.push(Message::binary(message)),
                            _ => panic!("{first:#x}"),
                        }
                    }
                }
            }
            .inspect(|code| {
                let expected = match self.end {
                    _ if self.is_too_large => Some(1009),
                    End::ByServer => self.code.map(CloseCode::as_u16),
                    _ => Some(1000),
                };
                assert_eq!(*code, expected);
            })
            .map_or_else(|| assert_eq!(self.end, End::HalfClose), |_| ());
            if self.is_too_large {
                assert!(self.sent.starts_with(&messages));
            } else {
                assert!(messages == self.sent, "{} of {} messages came", messages.len(), self.sent.len());
            }
        };
        tokio::join!(write, read);
    }

    /// Sends the messages. Returns whether all were sent.
    async fn send(&self, sink: impl Sink<Message, Error = Error>, mut random: Random) -> bool {
        let mut sink = pin!(sink);
        for message in self.sent.iter().cloned() {
            let sent = if random.one_in(3) { sink.feed(message).await } else { sink.send(message).await };
            if let Err(error) = sent {
                assert!(self.is_too_large, "{error}");
                return false;
            }
            random.pause().await;
        }
        sink.flush().await.is_ok()
    }

    /// Receives to the end, and checks that all messages arrived, and one end.
    async fn receive(&self, stream: impl Stream<Item = Result<Message, Error>>, mut random: Random) {
        let mut stream = pin!(stream);
        let mut messages = Vec::new();
        let mut error = None;
        let mut closes = 0;
        while let Some(received) = stream.next().await {
            assert!(error.is_none() && closes == 0, "something comes after the end");
            match received {
                Ok(Message::Close(_)) => closes += 1,
                Ok(message) => messages.push(message),
                Err(received) => error = Some(received),
            }
            random.pause().await;
        }
        assert!(stream.next().await.is_none());
        assert!(messages == self.received, "{} of {} messages came", messages.len(), self.received.len());
        match error {
            Some(Error::Capacity(_)) => assert!(self.is_too_large),
            Some(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
                assert_eq!(self.end, End::HalfClose);
            }
            error => assert!(error.is_none() && closes == 1, "{error:?}, {closes}"),
        }
    }
}

/// Returns a configuration, and its limits for a message and a frame.
pub(crate) fn config(random: &mut Random) -> (Config, (usize, usize)) {
    let max_message = random.pick(&[1 << 20, 1 << 20, 30_000]);
    let max_frame = random.pick(&[1 << 20, 1 << 20, 30_000]);
    let config = Config::new()
        .max_message_size(max_message)
        .max_frame_size(max_frame)
        .max_write_buffer_size(random.pick(&[1, 1000, 100_000, 1 << 20]))
        .keepalive_interval(random.pick(&[None, Some(Duration::from_millis(50))]))
        .keepalive_timeout(None)
        // A client may be slow.
        .close_timeout(Duration::from_secs(3600))
        .cork(random.one_in(2));
    (config, (max_message, max_frame))
}

/// Plays a script on a socket and its client.
pub(crate) async fn play<IO>(
    random: &mut Random,
    (max_message, max_frame): (usize, usize),
    socket: WebSocket<IO>,
    client: impl AsyncRead + AsyncWrite + Unpin,
) where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let script = Script::new(random, max_message, max_frame);
    let (sending, receiving) = (random.split(), random.split());
    let way = random.below(3);
    let server = async {
        match way {
            // It has no driver.
            0 => {
                let (mut sink, stream) = StreamExt::split(socket);
                let send = async {
                    if script.send(&mut sink, sending).await && script.end == End::ByServer {
                        let frame = script
                            .code
                            .map(|code| CloseFrame { code: code.as_u16().into(), reason: "".into() });
                        sink.send(Message::Close(frame)).await.unwrap();
                    }
                };
                tokio::join!(send, script.receive(stream, receiving));
            }
            // It has its own driver, or the handler's, which coalesces messages.
            _ => {
                let handler = async |socket: WebSocket<IO>| {
                    let (mut sender, receiver) = socket.split();
                    let send = async {
                        if script.send(&mut sender, sending).await && script.end == End::ByServer {
                            sender.close(script.code, "");
                        }
                        sender
                    };
                    tokio::join!(send, script.receive(receiver, receiving));
                };
                if way == 1 { handler(socket).await } else { socket.drive(handler).await.unwrap() }
            }
        }
    };
    tokio::join!(server, script.client(client, random));
}

async fn nothing_is_lost_duplicated_or_out_of_order<T: Transport>() {
    for seed in 0..by_form(30, 150) {
        println!("seed {seed}");
        let random = &mut Random::new(seed);
        let (config, limits) = config(random);
        let (mut pair, socket) = open::<T>(config, random.pick(&[100, 5000, 1 << 17])).await;
        play(random, limits, socket, pair.io()).await;
        pair.finish().await;
    }
}
