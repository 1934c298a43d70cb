//! Fuzzes the operations of a socket. Each one is dropped after some polls, while the IO and the
//! peer act in any way.
//!
//! An input is three bytes of settings, and steps: a byte that selects the step, one with the
//! number of polls, and its parameters. [`finish`](Play::finish) then lets everything continue
//! normally, up to the end.

use std::{
    collections::HashSet,
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use tokio::{
    task::yield_now,
    time::{Instant, advance},
};
use tower_websocket::{
    AcceptAll, Acceptor, CloseCode, Config, Deflate, Error, Message, Receiver, Sender, Shutdown, WebSocket,
    close::CloseInfo, tungstenite::protocol::CloseFrame, websocket::TrySendError,
};

use crate::{
    input::{Flags, Input},
    output::{self, Terms, check_pongs},
    pipe::{Pipe, State, Valve, pipe},
    reader::Seen,
    runtime,
    socket::{request, seen},
    wire::{BINARY, CLOSE, CONTINUE, FIN, PING, PONG, RSV1, TEXT, Width, client_frame, server_frame},
};

/// How long the end may take. It is longer than everything else, so if the end takes this long, the
/// connection hung, or the peer was silent.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3600);

/// How much longer the end may take with a slow IO, whose accepted bytes may still be in flight.
const MAX_BACKLOG: Duration = Duration::from_secs(340);

/// The limit of sent and of received bytes.
const MAX_TOTAL: usize = 600_000;

pub fn check(data: &[u8]) {
    let mut input = Input::new(data);
    let mut flags = Flags::new(input.byte());
    let is_driven = flags.bit();
    let (compresses, takeover, corks) = (flags.bit(), flags.bit(), !flags.bit());
    let (keepalive, ends_silent) = (flags.bit(), flags.bit());
    let max_write_buffer = [1 << 20, 1, 100, 70_000][input.below(4)];
    let mut config = Config::new()
        .max_write_buffer_size(max_write_buffer)
        .cork(corks)
        .close_timeout(CLOSE_TIMEOUT)
        .keepalive_interval(keepalive.then_some(Duration::from_millis(50)))
        .keepalive_timeout(None);
    if compresses {
        config = config.deflate(Deflate::new().threshold(50).context_takeover(takeover).level(1));
    }
    let offer = compresses.then_some("permessage-deflate");
    let terms = compresses.then_some(Terms { takeover, window_bits: 15 });
    let final_step = input.byte();
    runtime::run(async {
        let shutdown = Shutdown::new();
        let (io, valve) = pipe();
        valve.turn(|state| state.input.extend(request(offer)));
        let acceptor = Acceptor::new(AcceptAll).with_config(config.with_shutdown(&shutdown));
        let (socket, ()) = acceptor.accept(io).await.expect("the request is a good one");
        let start = valve.look(|state| state.output.len());
        let play = Play {
            valve: valve.clone(),
            input,
            start,
            terms,
            keepalive,
            ends_silent,
            final_step,
            ..Play::new(valve.clone())
        };
        let (script, began) = if is_driven {
            socket.drive(|socket| play.all(socket)).await.expect("the server is not shut down")
        } else {
            play.all(socket).await
        };
        shutdown.idle().await;
        script.check_end(began.elapsed());
    });
}

/// The socket, in one of its forms.
enum Hold {
    Whole(WebSocket<Pipe>),
    Halves(Vec<Sender<Pipe>>, Option<Receiver<Pipe>>),
    Nothing,
}

/// A message, and whether it was sent for certain.
#[derive(Clone, Debug)]
struct Sent {
    message: Seen,
    is_certain: bool,
}

struct Play<'a> {
    valve: Valve,
    input: Input<'a>,
    start: usize,
    terms: Option<Terms>,
    keepalive: bool,
    ends_silent: bool,
    final_step: u8,
    total: usize,
    sent: Vec<Sent>,
    /// The allowed contents of the server's Close.
    closes: Vec<(u16, Vec<u8>)>,
    /// The application's own pongs.
    own_pongs: usize,
    /// The peer's messages that are in flight, and its bytes that have not arrived.
    peer: Vec<Seen>,
    /// Its answers to keepalive pings.
    answers: Vec<Vec<u8>>,
    coming: Vec<u8>,
    peer_is_done: bool,
    half_closes: bool,
    /// Whether the IO has failed, which may lose messages.
    is_broken: bool,
    /// Whether the IO has ever accepted less than everything.
    is_slow: bool,
    /// Whether the peer violates the protocol.
    violates: bool,
    /// Whether the IO was taken out, and belongs to tungstenite.
    is_detached: bool,
    received: Vec<Seen>,
    /// Whether received messages may have been discarded.
    discards: bool,
    errors: usize,
    has_ended: bool,
    ended: Option<CloseInfo>,
}

/// Polls `future` up to `polls` times, and lets other tasks run in between. Returns its output, if
/// it completed.
async fn polled<F: Future>(future: F, polls: u8) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(output) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            return Some(output);
        }
        yield_now().await;
    }
    None
}

impl<'a> Play<'a> {
    fn new(valve: Valve) -> Self {
        Self {
            valve,
            input: Input::new(&[]),
            start: 0,
            terms: None,
            keepalive: false,
            ends_silent: false,
            final_step: 0,
            total: 0,
            sent: Vec::new(),
            // The Close of a dropped socket, or of the last dropped sender.
            closes: vec![(1000, Vec::new())],
            own_pongs: 0,
            peer: Vec::new(),
            answers: Vec::new(),
            coming: Vec::new(),
            peer_is_done: false,
            half_closes: false,
            is_broken: false,
            is_slow: false,
            violates: false,
            is_detached: false,
            received: Vec::new(),
            discards: false,
            errors: 0,
            has_ended: false,
            ended: None,
        }
    }

    /// Runs all steps. Returns itself, and when the last part began.
    async fn all(mut self, socket: WebSocket<Pipe>) -> (Self, Instant) {
        let mut hold = Hold::Whole(socket);
        for _ in 0..300 {
            if self.input.is_empty() {
                break;
            }
            hold = self.step(hold).await;
        }
        let began = Instant::now();
        self.finish(hold).await;
        (self, began)
    }

    async fn step(&mut self, mut hold: Hold) -> Hold {
        let step = self.input.byte();
        let polls = self.input.byte() % 8;
        let variant = step / 24;
        match step % 24 {
            0..=2 => self.send(&mut hold, polls, Way::Send).await,
            3 | 4 => self.send(&mut hold, polls, Way::Feed).await,
            5 => self.send(&mut hold, polls, Way::Uncompressed).await,
            6 => self.send(&mut hold, polls, Way::Try).await,
            7 => {
                let flushed = match &mut hold {
                    Hold::Whole(socket) => polled(SinkExt::<Message>::flush(socket), polls).await,
                    Hold::Halves(senders, _) => match senders.last() {
                        Some(sender) => polled(sender.flush(), polls).await,
                        None => None,
                    },
                    Hold::Nothing => None,
                };
                if let Some(Err(error)) = flushed {
                    self.check_send_error(&error);
                }
            }
            8..=10 => self.receive(&mut hold, polls).await,
            11 => self.close(&mut hold, polls, variant).await,
            12 => {
                if let Hold::Whole(socket) = hold {
                    let (sender, receiver) = socket.split();
                    hold = Hold::Halves(vec![sender], Some(receiver));
                }
            }
            13 => match &mut hold {
                Hold::Halves(senders, receiver) => match polls {
                    0..=3 if senders.len() < 5 => senders.extend(senders.last().cloned()),
                    0..=5 => drop(senders.pop()),
                    _ => {
                        self.discards = true;
                        drop(receiver.take());
                    }
                },
                _ if polls == 7 => {
                    self.discards = true;
                    hold = Hold::Nothing;
                }
                _ => {}
            },
            14 | 15 => {
                let room = usize::from(self.input.word());
                let max = self.input.byte();
                self.is_slow = true;
                self.valve.turn(|state| {
                    state.room = if polls == 7 { usize::MAX } else { room >> (2 * polls) };
                    state.max_write = if max > 200 { usize::MAX } else { usize::from(max) + 1 };
                    state.is_stuck = polls == 6;
                });
            }
            16..=18 => self.peer_sends(polls, variant),
            19 | 20 => {
                let n = usize::from(self.input.byte());
                self.deliver(if n > 200 { usize::MAX } else { n });
            }
            21 if variant % 2 == 1 => self.wait_closed(&mut hold, polls).await,
            21 => {
                for _ in 0..=polls {
                    yield_now().await;
                }
            }
            22 => {
                advance(Duration::from_millis([1, 10, 49, 50, 100, 250, 300, 1000][usize::from(polls)])).await
            }
            _ => match polls {
                0 => {
                    self.is_broken = true;
                    self.valve.turn(|state| state.write_error = Some(std::io::ErrorKind::BrokenPipe));
                }
                1 => {
                    self.is_broken = true;
                    self.peer_is_done = true;
                    self.deliver(usize::MAX);
                    self.valve.turn(|state| state.read_error = Some(std::io::ErrorKind::ConnectionReset));
                }
                2 => {
                    // It half-closes: messages to it must still arrive.
                    (self.peer_is_done, self.half_closes) = (true, true);
                    self.deliver(usize::MAX);
                    self.valve.turn(|state| state.has_ended = true);
                }
                _ => yield_now().await,
            },
        }
        hold
    }

    async fn send(&mut self, hold: &mut Hold, polls: u8, way: Way) {
        let kind = self.input.byte();
        let len = self.len();
        let message = message(self.sent.len() + self.own_pongs, kind, len);
        let copy = seen(&message);
        let is_pong = message.is_pong();
        let sent = match (&mut *hold, way) {
            (Hold::Whole(socket), Way::Send) => polled(socket.send(message), polls).await,
            (Hold::Whole(socket), Way::Try) => match self.tried(socket.try_send(message), &copy) {
                Some(result) => Some(result),
                None => return,
            },
            (Hold::Whole(socket), Way::Feed) => polled(SinkExt::feed(socket, message), polls).await,
            (Hold::Whole(socket), Way::Uncompressed) => {
                polled(socket.send_uncompressed(message), polls).await
            }
            (Hold::Halves(senders, _), way) => match senders.last_mut() {
                None => return,
                Some(sender) => match way {
                    Way::Send => polled(sender.send(message), polls).await,
                    Way::Feed => polled(SinkExt::feed(sender, message), polls).await,
                    Way::Uncompressed => polled(sender.send_uncompressed(message), polls).await,
                    Way::Try => match self.tried(sender.try_send(message), &copy) {
                        Some(result) => Some(result),
                        None => return,
                    },
                },
            },
            (Hold::Nothing, _) => return,
        };
        self.total += len;
        if is_pong {
            self.own_pongs += 1;
            return;
        }
        match sent {
            Some(Ok(())) => self.sent.push(Sent { message: copy, is_certain: true }),
            // If it was dropped before it was polled, it was not sent.
            None if polls == 0 => {}
            None => self.sent.push(Sent { message: copy, is_certain: false }),
            Some(Err(error)) => {
                self.check_send_error(&error);
                self.sent.push(Sent { message: copy, is_certain: false });
            }
        }
    }

    /// Records the result of trying to send a message. Returns `None` if the message was returned,
    /// so it must not arrive.
    fn tried(&self, result: Result<(), TrySendError>, sent: &Seen) -> Option<Result<(), Error>> {
        let message = match result {
            Ok(()) => return Some(Ok(())),
            Err(TrySendError::Failed(error)) => return Some(Err(error)),
            Err(TrySendError::Full(message)) => {
                let takes = |state: &State| state.room > 0 && !state.is_stuck && state.write_error.is_none();
                assert!(!self.valve.look(takes), "no space although the IO accepts more");
                message
            }
            Err(TrySendError::Closed(message)) => message,
            Err(error) => panic!("an error of another kind: {error:?}"),
        };
        assert_eq!(seen(&message), *sent);
        None
    }

    /// Waits until no more messages can be sent, and checks that this is correct.
    async fn wait_closed(&mut self, hold: &mut Hold, polls: u8) {
        let closed = match hold {
            Hold::Whole(socket) => polled(socket.closed(), polls).await,
            Hold::Halves(senders, _) => match senders.last() {
                Some(sender) => polled(sender.closed(), polls).await,
                None => None,
            },
            Hold::Nothing => None,
        };
        if closed.is_some() {
            let sent = match hold {
                Hold::Whole(socket) => polled(socket.send("never"), 1).await,
                Hold::Halves(senders, _) => match senders.last() {
                    Some(sender) => polled(sender.send("never"), 1).await,
                    None => return,
                },
                Hold::Nothing => return,
            };
            let error = sent.expect("it does not wait").expect_err("it is not sent");
            self.check_send_error(&error);
        }
    }

    fn check_send_error(&mut self, error: &Error) {
        match error {
            Error::Io(_) => assert!(self.is_broken, "{error}"),
            Error::Protocol(_) | Error::AlreadyClosed | Error::ConnectionClosed => {}
            error => panic!("an error of another kind: {error:?}"),
        }
    }

    fn len(&mut self) -> usize {
        let len = match self.input.byte() {
            len @ 0..200 => len.into(),
            200..230 => 1000,
            230..245 => 5000,
            245..252 => 65_536,
            _ => 140_000,
        };
        if self.total + len > MAX_TOTAL { len.min(50) } else { len }
    }

    async fn receive(&mut self, hold: &mut Hold, polls: u8) {
        let received = match hold {
            Hold::Whole(socket) => polled(socket.recv(), polls).await,
            Hold::Halves(_, Some(receiver)) => polled(receiver.recv(), polls).await,
            _ => None,
        };
        if let Some(received) = received {
            self.received(received);
        }
    }

    fn received(&mut self, received: Option<Result<Message, Error>>) {
        match received {
            Some(Ok(message)) => {
                assert!(!self.has_ended && self.errors == 0, "{message:?} comes after the end");
                let is_over = matches!(self.received.last(), Some(Seen::Close(..)));
                assert!(!is_over, "{message:?} comes after the Close");
                self.received.push(seen(&message));
            }
            Some(Err(error)) => {
                assert!(!self.has_ended && self.errors == 0, "{error:?} comes after the end");
                self.errors += 1;
            }
            None => self.has_ended = true,
        }
    }

    async fn close(&mut self, hold: &mut Hold, polls: u8, variant: u8) {
        let code =
            [CloseCode::NORMAL, CloseCode::GOING_AWAY, CloseCode::INTERNAL_ERROR][usize::from(polls) % 3];
        let (code, reason) = if variant & 1 == 0 { (Some(code), "reason") } else { (None, "") };
        self.closes.push((code.map_or(0, CloseCode::as_u16), reason.into()));
        let frame = code.map(|code| CloseFrame { code: code.into(), reason: reason.into() });
        let closed = match (hold, variant / 2) {
            // As a message and as a sink. Both continue to receive.
            (Hold::Whole(socket), 1) => polled(socket.send(Message::Close(frame)), polls).await,
            (Hold::Halves(senders, _), 1) => match senders.last_mut() {
                Some(sender) => polled(sender.send(Message::Close(frame)), polls).await,
                None => None,
            },
            (Hold::Whole(socket), 2) => polled(SinkExt::<Message>::close(socket), polls).await,
            (Hold::Whole(socket), _) => {
                self.discards |= polls > 0;
                polled(socket.close(code, reason), polls).await
            }
            (Hold::Halves(senders, _), _) => {
                if let Some(sender) = senders.last() {
                    sender.close(code, reason);
                }
                None
            }
            (Hold::Nothing, _) => None,
        };
        if let Some(Err(error)) = closed {
            self.check_send_error(&error);
        }
    }

    /// The peer writes data. Another step makes it arrive.
    fn peer_sends(&mut self, polls: u8, variant: u8) {
        let kind = self.input.byte();
        let len = self.len();
        if self.peer_is_done {
            return;
        }
        self.total += len;
        let mask = Some([kind, 2, 3, 4]);
        let keepalive = if polls == 5 { self.last_keepalive() } else { None };
        let mut put = |first: u8, payload: &[u8]| {
            self.coming.extend(client_frame(first, payload, mask, Width::Shortest));
        };
        match (polls, kind % 8) {
            (7, 0) => {
                put(FIN | CLOSE, &[3, 232]);
                self.peer.push(Seen::Close(1000, Vec::new()));
                self.peer_is_done = true;
            }
            (7, 1) => {
                put(FIN | RSV1 | PING, b"");
                self.closes.push((1002, Vec::new()));
                (self.peer_is_done, self.violates) = (true, true);
            }
            (6, _) => {
                let payload = vec![self.peer.len() as u8; len.min(125)];
                put(FIN | PING, &payload);
                self.peer.push(Seen::Ping(payload));
            }
            // An answer to a keepalive ping, which the application does not receive, and one to a
            // ping that was never sent.
            (5, _) if variant % 4 == 1 => {
                if let Some(payload) = keepalive {
                    put(FIN | PONG, &payload);
                    self.answers.push(payload);
                }
            }
            (5, _) if variant % 4 == 2 => {
                if let Some(mut payload) = keepalive {
                    if let Some(last) = payload.last_mut() {
                        *last = !*last;
                    }
                    put(FIN | PONG, &payload);
                    self.peer.push(Seen::Pong(payload));
                }
            }
            (5, _) => {
                let payload = vec![self.peer.len() as u8; len.min(125)];
                put(FIN | PONG, &payload);
                self.peer.push(Seen::Pong(payload));
            }
            _ => {
                let message = seen(&message(self.peer.len(), kind & 0x0f, len));
                let (first, payload) = match &message {
                    Seen::Text(payload) => (TEXT, payload),
                    Seen::Binary(payload) => (BINARY, payload),
                    _ => return,
                };
                let (head, tail) = payload.split_at(payload.len() / 3);
                if polls == 4 {
                    put(first, head);
                    put(FIN | PING, b"between");
                    put(FIN | CONTINUE, tail);
                    self.peer.push(Seen::Ping(b"between".to_vec()));
                } else {
                    put(FIN | first, payload);
                }
                self.peer.push(message);
            }
        }
    }

    /// Returns the payload of the last keepalive ping that the peer can have received.
    fn last_keepalive(&self) -> Option<Vec<u8>> {
        self.valve.look(|state| {
            let mut last = None;
            let mut rest = &state.output[self.start..];
            while let Some((frame, behind)) = server_frame(rest) {
                rest = behind;
                if frame.opcode() == PING && is_keepalive(frame.payload) {
                    last = Some(frame.payload.to_vec());
                }
            }
            last
        })
    }

    fn deliver(&mut self, n: usize) {
        let n = n.min(self.coming.len());
        self.valve.turn(|state| state.input.extend(self.coming.drain(..n)));
    }

    /// Lets everything continue normally, and end.
    async fn finish(&mut self, mut hold: Hold) {
        self.valve.turn(|state| {
            (state.room, state.max_write, state.is_stuck) = (usize::MAX, usize::MAX, false);
        });
        self.deliver(usize::MAX);
        let answer = match (self.ends_silent, self.peer_is_done) {
            (true, _) => Answer::Nothing,
            (false, true) => Answer::End,
            (false, false) => Answer::Close,
        };
        let peer = respond(self.valve.clone(), self.start, answer);
        let program = async {
            if self.final_step >= 128 && !self.ends_silent {
                hold = self.detach(hold).await;
            }
            match self.final_step % 4 {
                // The peer closes after it has received the earlier messages.
                0 => {
                    match &mut hold {
                        Hold::Whole(socket) => drop(SinkExt::<Message>::flush(socket).await),
                        Hold::Halves(senders, _) => {
                            if let Some(sender) = senders.last() {
                                let _ = sender.flush().await;
                            }
                        }
                        Hold::Nothing => {}
                    }
                    for _ in 0..5 {
                        yield_now().await;
                    }
                    if !self.peer_is_done && !self.valve.look(|state| state.has_ended) {
                        self.peer_is_done = true;
                        self.peer.push(Seen::Close(1000, Vec::new()));
                        let close = client_frame(FIN | CLOSE, &[3, 232], Some([0; 4]), Width::Shortest);
                        self.valve.turn(|state| {
                            state.input.extend(close);
                            state.has_ended = true;
                        });
                    }
                    self.drain(&mut hold).await;
                }
                // The peer closes, and continues to read, or does not.
                1 => {
                    self.close(&mut hold, 1, 0).await;
                    self.drain(&mut hold).await;
                }
                2 => {
                    self.discards = true;
                    if let Hold::Whole(socket) = &mut hold {
                        let _ = socket.close(CloseCode::NORMAL, "").await;
                    }
                }
                _ => self.discards = true,
            }
            drop(hold);
        };
        tokio::join!(program, peer);
    }

    /// Takes the IO out, if possible, and continues with tungstenite's stream.
    async fn detach(&mut self, hold: Hold) -> Hold {
        let socket = match hold {
            Hold::Whole(socket) => socket,
            hold => return hold,
        };
        let mut stream = match socket.into_inner().await {
            Ok(stream) => stream,
            Err(error) => return Hold::Whole(error.into_socket()),
        };
        self.is_detached = true;
        self.closes.push((0, Vec::new()));
        let message = message(self.sent.len() + self.own_pongs, 0, 5);
        let copy = seen(&message);
        let is_certain = stream.send(message).await.is_ok();
        self.sent.push(Sent { message: copy, is_certain });
        let _ = stream.close(None).await;
        while let Some(Ok(message)) = stream.next().await {
            self.received(Some(Ok(message)));
        }
        Hold::Nothing
    }

    /// Receives to the end, if a receiver exists and an end can come.
    async fn drain(&mut self, hold: &mut Hold) {
        if let Hold::Halves(senders, _) = hold {
            senders.clear();
        }
        loop {
            let received = match hold {
                Hold::Whole(socket) => socket.recv().await,
                Hold::Halves(_, Some(receiver)) => receiver.recv().await,
                _ => return,
            };
            let is_over = received.is_none();
            self.received(received);
            if is_over {
                break;
            }
        }
        self.ended = match hold {
            Hold::Whole(socket) => socket.close_info(),
            Hold::Halves(_, Some(receiver)) => receiver.close_info(),
            _ => None,
        };
        assert!(self.ended.is_some(), "how it ended is not known");
        let received = match hold {
            Hold::Whole(socket) => socket.recv().await,
            Hold::Halves(_, Some(receiver)) => receiver.recv().await,
            _ => None,
        };
        assert!(received.is_none(), "{received:?} comes after the end");
    }

    /// Checks all results. `took` is how long the last part took.
    fn check_end(&self, took: Duration) {
        let limit = match (self.ends_silent, self.is_slow) {
            (true, true) => CLOSE_TIMEOUT + MAX_BACKLOG,
            (true, false) => CLOSE_TIMEOUT,
            (false, _) => Duration::ZERO,
        };
        assert!(took <= limit + Duration::from_secs(1), "the end takes {took:?}");
        self.valve.look(|state| self.check_output(state));

        // The received messages are those sent to it, in order.
        let mut peer = self.peer.iter();
        let (mut skipped, mut count) = (0, 0);
        for received in &self.received {
            if *received == Seen::Close(1000, Vec::new()) {
                // This may be an answer to a Close.
                continue;
            }
            if self.is_detached && self.answers.iter().any(|answer| *received == Seen::Pong(answer.clone())) {
                // Tungstenite does not know about keepalive.
                continue;
            }
            count += usize::from(self.must_be_seen(received));
            loop {
                let sent = peer.next();
                let sent =
                    sent.unwrap_or_else(|| panic!("{received:?} was not sent, not then, or not again"));
                if sent == received {
                    break;
                }
                skipped += usize::from(self.must_be_seen(sent));
            }
        }
        assert!(
            skipped == 0 || self.discards,
            "{skipped} messages are left out: {:?} of {:?}",
            self.received,
            self.peer
        );
        let may_fail = self.is_broken || self.violates || self.half_closes;
        assert!(self.errors == 0 || may_fail, "an error without a reason");
        let is_read = self.ended.is_some() || self.is_detached && !self.is_broken;
        if is_read && !self.discards {
            let sent = self.peer.iter().filter(|sent| self.must_be_seen(sent)).count();
            assert_eq!(count, sent, "{:?} of {:?}", self.received, self.peer);
        }
    }

    /// Returns whether an application that receives to the end gets this message. Answered pings
    /// are not passed to tungstenite.
    fn must_be_seen(&self, sent: &Seen) -> bool {
        !matches!((sent, self.is_detached), (Seen::Close(..), _) | (Seen::Ping(_), true))
    }

    fn check_output(&self, state: &State) {
        assert!(state.is_dropped, "the IO is kept");
        let output = output::read(&state.output[self.start..], self.terms);
        let is_broken = state.write_error.is_some() || state.read_error.is_some();
        assert!(!output.is_cut || is_broken, "the output stops inside a message");
        assert!(state.is_shut_down || is_broken || self.is_detached, "the IO is not shut down");

        // The arrived messages are those sent, in order. Messages sent for certain have no gap.
        let mut sent = self.sent.iter();
        let mut keepalives = HashSet::new();
        for message in &output.messages {
            if let Seen::Ping(payload) = message
                && is_keepalive(payload)
            {
                assert!(self.keepalive, "an unsolicited keepalive answer: {message:?}");
                assert!(keepalives.insert(payload), "two keepalives are the same: {message:?}");
                continue;
            }
            loop {
                let sent = sent.next();
                let sent = sent.unwrap_or_else(|| panic!("{message:?} was not sent, not then, or not again"));
                if sent.message == *message {
                    break;
                }
                assert!(!sent.is_certain, "{:?} is missing before {message:?}", sent.message);
            }
        }
        let lost = sent.filter(|sent| sent.is_certain).count();
        assert!(
            lost == 0 || self.is_broken,
            "the last {lost} messages are lost of {:?}: {output:?}",
            self.sent
        );

        let own = |pong: &Vec<u8>| pong.starts_with(b"own");
        let answers: Vec<_> = output.pongs.iter().filter(|pong| !own(pong)).cloned().collect();
        let pings = self.peer.iter().filter_map(|seen| match seen {
            Seen::Ping(payload) => Some(&payload[..]),
            _ => None,
        });
        check_pongs(&answers, pings);
        assert!(output.pongs.len() - answers.len() <= self.own_pongs, "a pong comes twice");
        match &output.close {
            Some(close) => {
                let is_ours = self.closes.contains(close);
                assert!(is_ours, "{close:?}, but what ends it is one of {:?}", self.closes);
            }
            None => assert!(self.is_broken || self.half_closes || self.is_detached, "no Close"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Send,
    Feed,
    Uncompressed,
    /// Only with a sender.
    Try,
}

/// Returns a unique message that contains its number.
fn message(number: usize, kind: u8, len: usize) -> Message {
    let number = format!("{number}:");
    let bytes = |kind: u8| -> Vec<u8> {
        let noise = |i: usize| (i.wrapping_mul(0x9e37_79b1) >> 11) as u8;
        let rest = (0..len).map(|i| if kind & 1 == 0 { b'a' + (i % 7) as u8 } else { noise(i) & 0x7f });
        number.bytes().chain(rest).collect()
    };
    match kind {
        200..225 => Message::Ping(bytes(0)[..(number.len() + len).min(125)].to_vec().into()),
        225.. => Message::Pong([b"own", number.as_bytes()].concat().into()),
        kind if kind & 2 == 0 => Message::text(String::from_utf8(bytes(kind)).expect("it is ASCII")),
        kind => Message::binary(bytes(kind)),
    }
}

/// Returns whether a ping is a keepalive ping. The application's pings begin with their number.
fn is_keepalive(payload: &[u8]) -> bool {
    !payload.iter().take_while(|byte| **byte != b':').all(u8::is_ascii_digit)
}

/// How the peer responds to a Close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Close,
    End,
    Nothing,
}

/// The peer. It answers a Close, and ends the stream after the server has, unless it is silent.
async fn respond(valve: Valve, start: usize, answer: Answer) {
    let mut at = start;
    let mut closes = |state: &State| {
        while let Some((frame, rest)) = server_frame(&state.output[at..]) {
            at = state.output.len() - rest.len();
            if frame.opcode() == CLOSE {
                return Some(true);
            }
        }
        (state.is_shut_down || state.is_dropped || state.write_error.is_some()).then_some(false)
    };
    let closes = poll_fn(|cx| valve.poll_watch(cx, &mut closes)).await;
    if answer == Answer::Nothing {
        return;
    }
    valve.turn(|state| {
        if closes && answer == Answer::Close && !state.has_ended {
            state.input.extend(client_frame(FIN | CLOSE, &[3, 232], Some([0; 4]), Width::Shortest));
        }
        state.has_ended = true;
    });
}
