//! Random walks: the handler, the peer and a shutdown act in any order, and the results are
//! compared with their actions. No message is lost, duplicated or out of order, and there is
//! exactly one end.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeSet, VecDeque},
    io::ErrorKind,
    time::Duration,
};

use futures_util::SinkExt;
use raw_client::{
    frame, read_payload,
    whole::{BINARY, CLOSE, PING, PONG, TEXT},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::Notify,
    task::yield_now,
    time::{sleep, timeout},
};
use tower_websocket::{
    CloseCode, Config, Error, Message, Receiver, Sender, Shutdown, WebSocket, close::CloseInfo,
    tungstenite::error::ProtocolError,
};

use crate::{
    form::by_form,
    model::Random,
    pair::{is_keepalive, open_with},
    transport::{Transport, over_each_transport},
};

over_each_transport! {
    random_walks_lose_no_message_and_end_once,
}

over_each_transport! {
    #[tokio::test(start_paused = true)] #[ignore = "the large form of another"]
    long_random_walks_lose_no_message_and_end_once
}

/// The limit of frames and of messages.
const LARGEST: usize = 100_000;

const RSV1: u8 = 0x40;

/// Protocol violations of a peer, and the close code that it receives.
const BREACHES: &[(&[u8], u16)] = &[
    // Unmasked; a reserved opcode; a reserved bit.
    (&[TEXT, 1, b'x'], 1002),
    (&[0x83, 0x80, 0, 0, 0, 0], 1002),
    (&[TEXT | 0x20, 0x80, 0, 0, 0, 0], 1002),
    // A fragmented ping, and one that is too large.
    (&[PING & 0x0f, 0x80, 0, 0, 0, 0], 1002),
    (&[PING, 0xfe, 0, 126, 0, 0, 0, 0], 1002),
    // The first two bytes are enough: unmasked; reserved bits; a control frame that is too large.
    (&[BINARY, 0x7f], 1002),
    (&[TEXT | 0x10, 0xff], 1002),
    (&[PONG, 0xff], 1002),
    // A length whose most significant bit is not 0.
    (&[BINARY, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], 1002),
    // A continuation without a message.
    (&[0x80, 0x80, 0, 0, 0, 0], 1002),
    // A message within another.
    (&[TEXT & 0x0f, 0x80, 0, 0, 0, 0, TEXT, 0x80, 0, 0, 0, 0], 1002),
    // Invalid UTF-8: whole, at the beginning, in fragments, and truncated.
    (&[TEXT, 0x81, 0, 0, 0, 0, 0xff], 1007),
    (&[TEXT, 0x85, 0, 0, 0, 0, 0xff], 1007),
    (&[TEXT & 0x0f, 0x81, 0, 0, 0, 0, 0xff], 1007),
    (&[TEXT & 0x0f, 0x81, 0, 0, 0, 0, 0xc3, 0x80, 0x80, 0, 0, 0, 0], 1007),
    // Too large, according to the header.
    (&[BINARY, 0xff, 0, 0, 0, 0, 0, 1, 0x86, 0xa1, 0, 0, 0, 0], 1009),
    (&[TEXT, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], 1009),
];

/// How a peer ends, once all its messages are written.
#[derive(Clone, Debug, PartialEq)]
enum Ending {
    /// It sends a Close with this code, or without one.
    Close(Option<u16>),
    /// It sends a Close with an invalid code.
    BadClose,
    /// It waits for the server's Close.
    Wait,
    /// Its stream ends, between two frames or within one.
    HalfClose { within: bool },
    /// It violates the protocol with these bytes, and receives this code.
    Breach(Vec<u8>, u16),
    /// It sends nothing more, not even an answer to a ping or a Close.
    Silence,
}

/// How the server's messages are inflated, if they are.
type Inflate = Option<Box<dyn FnMut(&[u8]) -> Vec<u8>>>;

/// A peer's actions.
struct Peer {
    /// Its frames, and the messages that each completes.
    frames: VecDeque<(Vec<u8>, Option<Message>)>,
    ending: Ending,
    /// After how many frames it stops reading.
    reads: Option<usize>,
    /// Whether it discards its unsent messages when the server sends a Close.
    is_hasty: bool,
    inflate: Inflate,
}

/// The actions of each side, and their results.
#[derive(Default)]
struct Log {
    /// The messages that the peer has written.
    written: RefCell<Vec<Message>>,
    /// The messages that the handler has received.
    received: RefCell<Vec<Message>>,
    /// How receiving ended, if the handler came to the end.
    end: RefCell<Option<End>>,
    /// The messages of each sender of the handler, and whether each was sent for certain.
    sent: RefCell<[Vec<(Message, bool)>; 2]>,
    /// The messages that the peer has received.
    read: RefCell<Vec<Message>>,
    /// The code of the server's Close. 1005 for a Close without a code.
    close: Cell<Option<u16>>,
    /// Whether the peer came to the end of the server's stream.
    is_read_out: Cell<bool>,
    /// The codes with which this side wanted to close.
    wanted: RefCell<BTreeSet<u16>>,
    /// Whether a shutdown timed out.
    is_dropped: Cell<bool>,
}

/// How receiving ended.
struct End {
    close: Option<Message>,
    error: Option<Error>,
    ended: Option<CloseInfo>,
}

impl Random {
    /// Returns a unique message: the `n`th of sender `by`.
    fn numbered(&mut self, by: usize, n: usize) -> Message {
        let largest = self.pick(&[1, 10, 126, 1000, 5000, 70_000]);
        let len = self.below(largest);
        match self.below(10) {
            0 => Message::Ping(format!("{by}:{n}").into()),
            1..5 => Message::text(format!("{by}:{n}:{}", "é".repeat(len / 2))),
            // Compressible and incompressible data.
            5..8 => Message::binary([format!("{by}:{n}:").as_bytes(), &vec![7; len]].concat()),
            _ => {
                let noise: Vec<u8> = (0..len).map(|_| self.below(256) as u8).collect();
                Message::binary([format!("{by}:{n}:").as_bytes(), &noise].concat())
            }
        }
    }

    async fn rest(&mut self) {
        match self.below(20) {
            0 => sleep(Duration::from_millis(self.below(300) as u64)).await,
            1..8 => yield_now().await,
            _ => {}
        }
    }
}

/// Returns the sender of a message.
fn sender(message: &Message) -> usize {
    usize::from(message.clone().into_data()[0] == b'1')
}

impl Peer {
    fn new(random: &mut Random) -> (Self, Option<&'static str>) {
        let (offer, mut deflate, inflate) = codec(random);
        let mut frames = VecDeque::new();
        for n in 0..random.below(30) {
            let message = random.numbered(0, n);
            let payload = message.clone().into_data();
            if message.is_ping() {
                frames.push_back((frame(PING, &payload), Some(message)));
                continue;
            }
            let mut first = if message.is_text() { TEXT } else { BINARY };
            let mut payload = payload.to_vec();
            if let Some(deflate) = deflate.as_mut().filter(|_| random.one_in(2)) {
                payload = deflate(&payload, random.one_in(5));
                first |= RSV1;
            }
            let mut rest = &payload[..];
            while random.one_in(3) {
                let (part, others) = rest.split_at(random.below(rest.len() + 1));
                frames.push_back((frame(first & 0x7f, part), None));
                (first, rest) = (0x80, others);
                if random.one_in(4) {
                    let pong = format!("{n}, {} to go", rest.len());
                    frames.push_back((frame(PONG, pong.as_bytes()), Some(Message::Pong(pong.into()))));
                }
            }
            frames.push_back((frame(first, rest), Some(message)));
        }
        let ending = match random.below(12) {
            0..2 => Ending::Close(random.pick(&[None, Some(1000), Some(3000), Some(3999)])),
            2 => Ending::BadClose,
            3..6 => Ending::Wait,
            6 => Ending::HalfClose { within: random.one_in(2) },
            7..9 => {
                let (bytes, code) = random.pick(BREACHES);
                Ending::Breach(bytes.to_vec(), code)
            }
            9..11 => match &mut deflate {
                // A reference to before the start of the stream; a message that inflates beyond the
                // limit.
                Some(deflate) if random.one_in(2) => {
                    let bomb = deflate(&vec![b'x'; LARGEST + 1], false);
                    Ending::Breach(frame(TEXT | RSV1, &bomb), 1009)
                }
                Some(_) => Ending::Breach(frame(TEXT | RSV1, &[0xff; 9]), 1007),
                None => Ending::Breach(frame(TEXT | RSV1, b"compressed?"), 1002),
            },
            _ => Ending::Silence,
        };
        let reads = random.one_in(6).then(|| random.below(20));
        (Self { frames, ending, reads, is_hasty: random.one_in(2), inflate }, offer)
    }

    async fn run(
        self,
        io: impl AsyncRead + AsyncWrite + Unpin,
        log: &Log,
        random: &mut Random,
        shutdown: &Shutdown,
    ) {
        let Self { frames, ending, reads, is_hasty, mut inflate } = self;
        let (mut input, mut output) = tokio::io::split(io);
        let (changed, answers) = (Notify::new(), RefCell::new(VecDeque::new()));
        let answers_pings = ending != Ending::Silence;
        let (mut writing, mut reading) = (random.split(), random.split());
        let write = async {
            let wrote = write(frames, ending, is_hasty, &mut output, &answers, &changed, log, &mut writing);
            // If the server is gone, writing ends.
            tokio::select! {
                biased;
                _ = wrote => {}
                () = shutdown.idle() => {}
            }
        };
        let read = async {
            let mut pings = 0;
            let mut parts = None::<(u8, Vec<u8>)>;
            for n in 0.. {
                if reads == Some(n) {
                    return;
                }
                reading.rest().await;
                let Ok(first) = input.read_u8().await else { break };
                let Ok(payload) = read_payload(&mut input).await else {
                    assert!(log.is_dropped.get(), "it ends within a frame");
                    break;
                };
                assert_eq!(log.close.get(), None, "something comes after the Close");
                match first {
                    CLOSE if payload.is_empty() => log.close.set(Some(1005)),
                    CLOSE => log.close.set(Some(u16::from_be_bytes([payload[0], payload[1]]))),
                    PING => {
                        if !is_keepalive(&payload) {
                            log.read.borrow_mut().push(Message::Ping(payload.clone().into()));
                        }
                        if answers_pings {
                            answers.borrow_mut().push_back(payload);
                        }
                    }
                    // Pongs arrive in order, though not every ping is answered.
                    PONG => {
                        let written = log.written.borrow();
                        let asked =
                            |message: &Message| message.is_ping() && message.clone().into_data() == payload;
                        pings += 1 + written[pings..].iter().position(asked).expect("a ping, once");
                    }
                    _ => {
                        let (kind, mut message) = parts.take().unwrap_or((first, Vec::new()));
                        assert_eq!(first & 0x0f == 0, kind != first || first & 0x0f == 0);
                        message.extend(payload);
                        if first & 0x80 == 0 {
                            parts = Some((kind, message));
                            continue;
                        }
                        if kind & RSV1 > 0 {
                            message = inflate.as_mut().expect("compression was agreed on")(&message);
                        }
                        log.read.borrow_mut().push(match kind & 0x0f {
                            1 => Message::text(String::from_utf8(message).unwrap()),
                            2 => Message::binary(message),
                            _ => panic!("{kind:#x}"),
                        });
                    }
                }
                changed.notify_one();
            }
            log.is_read_out.set(true);
            assert!(parts.is_none() || log.is_dropped.get() || log.close.get().is_some());
        };
        tokio::join!(write, read);
    }
}

/// Writes a peer's frames, its answers, and its end. Fails when the server is gone.
#[allow(clippy::too_many_arguments)]
async fn write(
    mut frames: VecDeque<(Vec<u8>, Option<Message>)>,
    ending: Ending,
    is_hasty: bool,
    output: &mut (impl AsyncWrite + Unpin),
    answers: &RefCell<VecDeque<Vec<u8>>>,
    changed: &Notify,
    log: &Log,
    random: &mut Random,
) -> std::io::Result<()> {
    loop {
        let answer = answers.borrow_mut().pop_front();
        let is_told = log.close.get().is_some() && (is_hasty || frames.is_empty());
        if let Some(payload) = answer {
            output.write_all(&frame(PONG, &payload)).await?;
            if !is_keepalive(&payload) {
                log.written.borrow_mut().push(Message::Pong(payload.into()));
            }
        } else if is_told && ending != Ending::Silence {
            return output.write_all(&frame(CLOSE, &log.close.get().unwrap_or(1000).to_be_bytes())).await;
        } else if let Some((bytes, message)) = frames.pop_front() {
            let mut rest = &bytes[..];
            loop {
                let most = random.pick(&[1, 20, 5000, 100_000, 100_000]);
                let (part, others) = rest.split_at(most.min(rest.len()));
                output.write_all(part).await?;
                rest = others;
                if rest.is_empty() {
                    break;
                }
                random.rest().await;
            }
            log.written.borrow_mut().extend(message);
            random.rest().await;
        } else {
            let after = [frame(TEXT, b"after the end"), frame(PING, b"too")].concat();
            match &ending {
                Ending::Wait => {
                    changed.notified().await;
                    continue;
                }
                Ending::Silence => return Ok(()),
                Ending::Close(code) => {
                    let payload = code.map(u16::to_be_bytes);
                    let payload = payload.as_ref().map_or(&[][..], |code| &code[..]);
                    output.write_all(&frame(CLOSE, payload)).await?;
                }
                Ending::BadClose => output.write_all(&frame(CLOSE, &1005_u16.to_be_bytes())).await?,
                Ending::HalfClose { within } => {
                    if *within {
                        output.write_all(&after[..9]).await?;
                    }
                    return output.shutdown().await;
                }
                Ending::Breach(bytes, _) => output.write_all(bytes).await?,
            }
            return output.write_all(&after).await;
        }
    }
}

impl Log {
    /// Records a received message. Returns whether more may follow.
    fn receive(
        &self,
        received: Option<Result<Message, Error>>,
        ended: impl FnOnce() -> Option<CloseInfo>,
    ) -> bool {
        let mut end = self.end.borrow_mut();
        let (close, error) = match received {
            Some(Ok(message)) if !message.is_close() => {
                assert!(end.is_none(), "a message comes after the end");
                self.received.borrow_mut().push(message);
                return true;
            }
            Some(Ok(close)) => (Some(close), None),
            Some(Err(error)) => (None, Some(error)),
            None => {
                end.get_or_insert(End { close: None, error: None, ended: None }).ended = ended();
                return false;
            }
        };
        assert!(end.is_none(), "a second end: {close:?}, {error:?}");
        *end = Some(End { close, error, ended: None });
        true
    }

    /// Records a message as possibly sent, before sending it.
    fn begin(&self, by: usize, message: &Message) {
        self.sent.borrow_mut()[by].push((message.clone(), false));
    }

    /// Records the last message as sent for certain.
    fn sent(&self, by: usize) {
        self.sent.borrow_mut()[by].last_mut().expect("it is begun").1 = true;
    }

    fn want(&self, code: u16) {
        self.wanted.borrow_mut().insert(code);
    }
}

fn patience(random: &mut Random) -> Duration {
    Duration::from_millis(random.below(200) as u64)
}

/// The handler's actions with a whole socket.
async fn whole<T: Transport>(mut socket: WebSocket<T::Io>, log: &Log, random: &mut Random) {
    for n in 0..random.below(60) {
        random.rest().await;
        let step = random.below(40);
        match step {
            0..20 => {
                let message = random.numbered(0, n);
                log.begin(0, &message);
                // Without a driver only a reader handles timeouts and shutdown, so it must not wait
                // forever.
                let limit = if step < 8 { patience(random) } else { Duration::from_secs(100) };
                let sent = match step {
                    0..3 | 8..12 => timeout(limit, socket.feed(message)).await,
                    _ => timeout(limit, socket.send(message)).await,
                };
                if sent.is_ok_and(|sent| sent.is_ok()) {
                    log.sent(0);
                }
            }
            20..38 => {
                let received = timeout(patience(random), socket.recv()).await;
                let is_over = received.is_ok_and(|received| !log.receive(received, || socket.close_info()));
                if is_over {
                    break;
                }
            }
            38 if random.one_in(4) => {
                let code = random.pick(&[4000, 4999]);
                log.want(code);
                let _ = socket.close(CloseCode::try_from(code).unwrap(), "enough").await;
                assert!(socket.recv().await.is_none_or(|last| last.is_err()));
                assert!(socket.recv().await.is_none());
                return;
            }
            39 if random.one_in(4) => return log.want(1000),
            _ => {}
        }
    }
    while log.receive(socket.recv().await, || socket.close_info()) {
        random.rest().await;
    }
    assert!(socket.recv().await.is_none());
    assert!(socket.send("after the end").await.is_err());
}

/// The handler's actions with two halves.
async fn halves<T: Transport>(socket: WebSocket<T::Io>, log: &Log, random: &mut Random) {
    let (one, receiver) = socket.split();
    let other = random.one_in(2).then(|| one.clone());
    let receiving = receive::<T>(receiver, log, random.split());
    let sending = send::<T>(one, 0, log, random.split());
    let others = async {
        match other {
            Some(other) => send::<T>(other, 1, log, random.split()).await,
            None => None,
        }
    };
    // The senders are kept until everything is received, except those that are dropped before.
    let (senders, ()) = tokio::join!(
        async {
            let senders = tokio::join!(sending, others);
            if senders.0.is_none() && senders.1.is_none() {
                log.want(1000);
            }
            senders
        },
        receiving
    );
    drop(senders);
}

/// Sends messages. Returns the sender, unless it is to be dropped.
async fn send<T: Transport>(
    mut sender: Sender<T::Io>,
    by: usize,
    log: &Log,
    mut random: Random,
) -> Option<Sender<T::Io>> {
    for n in 0..random.below(40) {
        random.rest().await;
        let message = random.numbered(by, n);
        log.begin(by, &message);
        let is_sent = match random.below(20) {
            0..4 => sender.feed(message).await.is_ok(),
            4..8 => sender.try_send(message).is_ok(),
            8..10 => matches!(timeout(patience(&mut random), sender.send(message)).await, Ok(Ok(()))),
            10..12 => {
                let is_sent = Sender::send(&sender, message).await.is_ok();
                let _ = timeout(patience(&mut random), sender.flush()).await;
                is_sent
            }
            _ => Sender::send(&sender, message).await.is_ok(),
        };
        if is_sent {
            log.sent(by);
        }
        if random.one_in(80) {
            let code = random.pick(&[4001, 4998]);
            log.want(code);
            sender.close(CloseCode::try_from(code).unwrap(), "enough");
            assert!(sender.is_closed() && sender.try_send("after the Close").is_err());
        }
    }
    (!random.one_in(4)).then_some(sender)
}

async fn receive<T: Transport>(mut receiver: Receiver<T::Io>, log: &Log, mut random: Random) {
    let leaves_after = random.one_in(8).then(|| random.below(30));
    for n in 0.. {
        random.rest().await;
        if leaves_after == Some(n) {
            return log.want(1000);
        }
        let received = if random.one_in(4) {
            let Ok(received) = timeout(patience(&mut random), receiver.recv()).await else { continue };
            received
        } else {
            receiver.recv().await
        };
        if !log.receive(received, || receiver.close_info()) {
            break;
        }
    }
    assert!(receiver.recv().await.is_none());
}

/// Compares the results with the actions.
fn judge(log: &Log, ending: &Ending, reads: Option<usize>) {
    let (wanted, close) = (log.wanted.take(), log.close.get());
    let is_read_out = log.is_read_out.get();

    // The handler has received the peer's messages from the start, without a gap. It has all of
    // them, if it saw the end.
    let (written, received) = (log.written.take(), log.received.take());
    let end = log.end.take();
    let is_all = match &end {
        // A handler that does not read for long may find a silent peer disconnected, and its unread
        // messages discarded.
        Some(End { error: Some(Error::Io(error)), .. }) if error.kind() == ErrorKind::TimedOut => false,
        Some(End { close, error, .. }) => close.is_some() || error.is_some(),
        None => false,
    };
    if is_all {
        assert_eq!(received.len(), written.len(), "not all was received");
    }
    assert!(written.starts_with(&received), "received messages differ from the written ones");

    // The peer has received the messages that the handler sent.
    let read = log.read.take();
    let mut is_complete = true;
    for (by, sent) in log.sent.take().iter().enumerate() {
        let mut sent = sent.iter();
        for message in read.iter().filter(|message| sender(message) == by) {
            let certain_before = sent
                .by_ref()
                .take_while(|(sent, _)| sent != message)
                .filter(|(_, is_certain)| *is_certain)
                .count();
            assert_eq!(certain_before, 0, "one before {message} is lost, or it comes twice");
        }
        is_complete &= sent.all(|(_, is_certain)| !is_certain);
    }
    let is_ours = close.is_some_and(|code| wanted.contains(&code));
    let is_half_closed = matches!(ending, Ending::HalfClose { .. }) && close.is_none();
    let is_answered = matches!(ending, Ending::Close(code) if close == Some(code.unwrap_or(1005)));
    if is_read_out && !log.is_dropped.get() && (is_ours || is_half_closed || is_answered) {
        assert!(is_complete, "not all that was sent before the end has come: {close:?}");
    }

    // The Close belongs to the side that wanted the end.
    let theirs = match ending {
        Ending::Close(code) => Some(code.unwrap_or(1005)),
        Ending::BadClose => Some(1002),
        Ending::Breach(_, code) => Some(*code),
        Ending::Wait | Ending::HalfClose { .. } | Ending::Silence => None,
    };
    let is_silent = *ending == Ending::Silence || reads.is_some() || matches!(ending, Ending::Breach(..));
    if let Some(code) = close {
        let is_known = is_ours || Some(code) == theirs || is_silent && code == 1011;
        assert!(is_known, "Close {code}, wanted were {wanted:?} and {theirs:?}");
    } else {
        let may_lack = matches!(ending, Ending::HalfClose { .. }) || log.is_dropped.get() || !is_read_out;
        assert!(may_lack, "there was no Close");
    }

    // The handler's end matches the actual one.
    let Some(End { close, error, ended }) = end else { return };
    let code = close.map(|close| match close {
        Message::Close(frame) => frame.map_or(1005, |frame| frame.code.into()),
        other => panic!("{other} is not a Close"),
    });
    if let Some(code) = code {
        let is_theirs = Some(code) == theirs && *ending != Ending::BadClose;
        assert!(is_theirs || wanted.contains(&code) || code == 1011, "{code}");
    }
    // A handler that did not ask does not know it.
    if let Some(ended) = ended {
        assert_eq!((ended.code(), ended.is_clean()), (code.unwrap_or(1006), code.is_some()));
        match (ended.error(), &error) {
            (Some(told), Some(error)) => assert!(error.to_string().ends_with(told), "{told}, but {error}"),
            // Receiving ends without an error if this side closed and the peer did not answer.
            (Some("the closing handshake made no progress in time"), None) => {
                assert!(is_silent && !wanted.is_empty(), "{ending:?}");
            }
            (told, error) => assert!(told.is_none() && error.is_none(), "{told:?}, but {error:?}"),
        }
    }
    match error {
        None => {}
        Some(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
            assert!(matches!(ending, Ending::HalfClose { .. }));
        }
        Some(Error::Io(error)) if error.kind() == ErrorKind::TimedOut => assert!(is_silent),
        Some(error) => {
            let code = match error {
                Error::Protocol(_) => 1002,
                Error::Utf8(_) | Error::Io(_) => 1007,
                Error::Capacity(_) => 1009,
                error => panic!("{error}"),
            };
            let told = match ending {
                Ending::Breach(_, told) => *told,
                Ending::BadClose => 1002,
                other => panic!("{other:?}, but {error}"),
            };
            assert_eq!(told, code, "{error}");
        }
    }
}

async fn walk<T: Transport>(seed: u64) {
    let random = &mut Random::new(seed);
    let (peer, offer) = Peer::new(random);
    let config = Config::new()
        .max_message_size(LARGEST)
        .max_frame_size(LARGEST)
        .max_write_buffer_size(random.pick(&[1, 1000, 100_000, 1 << 20]))
        .keepalive_interval(random.pick(&[None, Some(Duration::from_secs(20))]))
        .keepalive_timeout(random.pick(&[None, Some(Duration::from_secs(20))]))
        // A peer may be slow.
        .close_timeout(Duration::from_secs(600))
        .cork(random.one_in(2));
    let room = random.pick(&[100, 5000, 1 << 17]);
    let (mut pair, socket) = open_with::<T>(compressing(config, random), room, offer).await;
    let (shutdown, log) = (pair.shutdown().clone(), Log::default());
    let (ending, reads) = (peer.ending.clone(), peer.reads);

    let (way, mut handling, mut running, mut ends) =
        (random.below(4), random.split(), random.split(), random.split());
    let handler = async {
        match way {
            0 => whole::<T>(socket, &log, &mut handling).await,
            1 => halves::<T>(socket, &log, &mut handling).await,
            2 => socket
                .drive(async |socket| whole::<T>(socket, &log, &mut handling).await)
                .await
                .unwrap_or_default(),
            _ => socket
                .drive(async |socket| halves::<T>(socket, &log, &mut handling).await)
                .await
                .unwrap_or_default(),
        }
        // The driver may have dropped it at any point.
    };
    // Eventually every connection has to end.
    let ending_all = async {
        let (after, patience) = (ends.below(2000) as u64, ends.below(1000) as u64);
        sleep(if ends.one_in(3) { Duration::from_millis(after) } else { Duration::from_secs(300) }).await;
        log.want(1001);
        let patience =
            if ends.one_in(4) { Duration::from_millis(patience) } else { Duration::from_secs(7200) };
        log.is_dropped.set(shutdown.drain(patience).await > 0);
    };
    tokio::join!(handler, ending_all, peer.run(pair.io(), &log, &mut running, &shutdown));
    judge(&log, &ending, reads);
    pair.finish().await;
}

/// How the peer compresses, if it does. The flag requests the end of the stream.
type Deflate = Option<Box<dyn FnMut(&[u8], bool) -> Vec<u8>>>;

#[cfg(feature = "deflate")]
fn codec(random: &mut Random) -> (Option<&'static str>, Deflate, Inflate) {
    use raw_client::deflate::{Deflater, Inflater, NO_TAKEOVER, TAKEOVER};

    if random.one_in(2) {
        return (None, None, None);
    }
    let takeover = random.one_in(2);
    let (mut deflater, mut inflater) = (Deflater::new(takeover), Inflater::new(takeover, 15));
    (
        Some(if takeover { TAKEOVER } else { NO_TAKEOVER }),
        Some(Box::new(
            move |message, is_last| {
                if is_last { deflater.last(message) } else { deflater.message(message) }
            },
        )),
        Some(Box::new(move |payload| inflater.message(payload))),
    )
}

#[cfg(not(feature = "deflate"))]
fn codec(_: &mut Random) -> (Option<&'static str>, Deflate, Inflate) {
    (None, None, None)
}

#[cfg(feature = "deflate")]
fn compressing(config: Config, random: &mut Random) -> Config {
    let deflate = tower_websocket::Deflate::new();
    config.deflate(deflate.threshold(random.pick(&[0, 128])).context_takeover(true))
}

#[cfg(not(feature = "deflate"))]
fn compressing(config: Config, _: &mut Random) -> Config {
    config
}

async fn random_walks_lose_no_message_and_end_once<T: Transport>() {
    for seed in 0..by_form(60, 300) {
        println!("seed {seed}");
        walk::<T>(seed).await;
    }
}

async fn long_random_walks_lose_no_message_and_end_once<T: Transport>() {
    for seed in 0..20_000 {
        println!("seed {seed}");
        walk::<T>(seed).await;
    }
}
