//! Runs a socket that receives a client's bytes to their end, and checks the results.

use std::{future::Future, io::ErrorKind, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tower_websocket::{
    AcceptAll, Acceptor, CloseCode, Config, Error, Message, Receiver, Sender, Shutdown, WebSocket,
    close::CloseInfo, tungstenite::error::ProtocolError,
};

use crate::{
    output::{self, Terms, check_pongs},
    reader::{End, Expected, Seen},
    scripted::{Ending, Pieces, Scripted, Shared},
};

/// Returns a request that opens a WebSocket, with an optional offer of permessage-deflate.
pub fn request(offer: Option<&str>) -> Vec<u8> {
    let mut request = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        .to_owned();
    if let Some(offer) = offer {
        request += &format!("Sec-WebSocket-Extensions: {offer}\r\n");
    }
    (request + "\r\n").into_bytes()
}

/// How the socket is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By the reader.
    Alone,
    /// By the handler's driver.
    Driven,
    /// By its own driver, because it is split.
    Split,
}

/// How a client's bytes arrive, and how the server behaves.
#[derive(Clone, Debug)]
pub struct Scene {
    pub config: Config,
    pub offer: Option<&'static str>,
    /// The negotiated compression of the server's messages.
    pub terms: Option<Terms>,
    pub way: Way,
    /// Whether each message is sent back.
    pub echoes: bool,
    /// Whether frames may arrive together with the request.
    pub is_eager: bool,
    pub reads: Pieces,
    pub ending: Ending,
    pub writes: Pieces,
    /// After how many bytes of the connection writing fails.
    pub fails_after: Option<usize>,
}

/// The messages that a server's application has received.
#[derive(Debug, Default)]
pub struct Program {
    seen: Vec<Seen>,
    /// The messages that were sent for certain.
    sent: Vec<Seen>,
    errors: Vec<Error>,
    is_silent: bool,
    ended: Option<CloseInfo>,
}

impl Program {
    /// Returns the messages that it received.
    pub fn seen(&self) -> &[Seen] {
        &self.seen
    }
}

pub trait Socket {
    fn recv(&mut self) -> impl Future<Output = Option<Result<Message, Error>>>;
    fn send(&mut self, message: Message) -> impl Future<Output = Result<(), Error>>;
    fn close(&mut self) -> impl Future<Output = ()>;
    fn close_info(&self) -> Option<CloseInfo>;
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Socket for WebSocket<IO> {
    async fn recv(&mut self) -> Option<Result<Message, Error>> {
        Self::recv(self).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Error> {
        Self::send(self, message).await
    }

    async fn close(&mut self) {
        let _ = Self::close(self, CloseCode::NORMAL, "").await;
    }

    fn close_info(&self) -> Option<CloseInfo> {
        Self::close_info(self)
    }
}

impl Socket for (Sender<Scripted>, Receiver<Scripted>) {
    async fn recv(&mut self) -> Option<Result<Message, Error>> {
        self.1.recv().await
    }

    async fn send(&mut self, message: Message) -> Result<(), Error> {
        self.0.send(message).await
    }

    async fn close(&mut self) {
        self.0.close(CloseCode::NORMAL, "");
        while let Some(Ok(_)) = self.1.recv().await {}
    }

    fn close_info(&self) -> Option<CloseInfo> {
        self.1.close_info()
    }
}

/// Lets a server read `bytes`, and checks that it receives and sends the `expected` messages.
pub async fn check(scene: Scene, bytes: &[u8], expected: &Expected) {
    let head = request(scene.offer);
    let input = [&head[..], bytes].concat();
    let payload = expected.seen.iter().map(Seen::len).sum::<usize>().max(input.len());
    let (reads, writes) = (scene.reads.clone().scaled(input.len()), scene.writes.clone().scaled(payload));
    let (mut io, record) = Scripted::new(input, reads, scene.ending, writes);
    if !scene.is_eager {
        io = io.with_first(head.len());
    }
    let shutdown = Shutdown::new();
    let config = scene.config.clone().keepalive_interval(None).with_shutdown(&shutdown);
    let accepted = Acceptor::new(AcceptAll).with_config(config).accept(io).await;
    let (socket, ()) = accepted.expect("the request is a good one");
    let start = record.lock().written.len();
    record.lock().max_written = scene.fails_after.map(|more| start + more);
    let is_silent = scene.ending == Ending::Silence;
    let program = match scene.way {
        Way::Alone => {
            let mut socket = socket;
            converse(&mut socket, scene.echoes, is_silent).await
        }
        Way::Driven => {
            let handler = async |mut socket| converse(&mut socket, scene.echoes, is_silent).await;
            socket.drive(handler).await.expect("the server is not shut down")
        }
        Way::Split => converse(&mut socket.split(), scene.echoes, is_silent).await,
    };
    shutdown.idle().await;
    check_end(&scene, expected, &program, &record, start);
}

/// Checks the results of a connection. The server's frames begin after `start` bytes.
pub fn check_end(scene: &Scene, expected: &Expected, program: &Program, record: &Shared, start: usize) {
    check_program(scene, expected, program);
    check_output(scene, expected, program, record, start);
}

/// Receives to the end.
pub async fn converse(socket: &mut impl Socket, echoes: bool, may_be_silent: bool) -> Program {
    let mut program = Program::default();
    loop {
        let received = if may_be_silent && !program.is_silent {
            timeout(Duration::from_secs(1), socket.recv()).await.ok()
        } else {
            Some(socket.recv().await)
        };
        let message = match received {
            Some(Some(Ok(message))) => message,
            Some(Some(Err(error))) => {
                program.errors.push(error);
                continue;
            }
            Some(None) => break,
            None => {
                program.is_silent = true;
                socket.close().await;
                continue;
            }
        };
        assert!(program.errors.is_empty(), "{message:?} comes after {:?}", program.errors);
        if echoes && (message.is_text() || message.is_binary()) {
            let copy = seen(&message);
            if socket.send(message.clone()).await.is_ok() {
                program.sent.push(copy);
            }
        }
        program.seen.push(seen(&message));
    }
    let after = socket.recv().await;
    assert!(after.is_none(), "{after:?} after the end of {program:?}");
    program.ended = socket.close_info();
    program
}

pub fn seen(message: &Message) -> Seen {
    match message {
        Message::Text(text) => Seen::Text(text.as_bytes().to_vec()),
        Message::Binary(bytes) => Seen::Binary(bytes.to_vec()),
        Message::Ping(bytes) => Seen::Ping(bytes.to_vec()),
        Message::Pong(bytes) => Seen::Pong(bytes.to_vec()),
        Message::Close(None) => Seen::Close(0, Vec::new()),
        Message::Close(Some(frame)) => Seen::Close(frame.code.into(), frame.reason.as_bytes().to_vec()),
        Message::Frame(frame) => panic!("a raw frame: {frame:?}"),
    }
}

/// Returns the close code of an error, or `None` for the end of the stream.
fn code_of(error: &Error) -> Option<u16> {
    match error {
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        Error::Protocol(_) => Some(1002),
        Error::Utf8(_) => Some(1007),
        Error::Io(error) if error.kind() == ErrorKind::InvalidData => Some(1007),
        Error::Io(_) => None,
        Error::Capacity(_) => Some(1009),
        error => panic!("an error of another kind: {error:?}"),
    }
}

fn check_program(scene: &Scene, expected: &Expected, program: &Program) {
    assert!(program.errors.len() <= 1, "more than one error: {:?}", program.errors);
    let error = program.errors.first();
    let may_break = scene.fails_after.is_some();
    let are_same = expected.seen == program.seen;
    if may_break {
        assert!(expected.seen.starts_with(&program.seen), "{program:?} but {expected:?}");
    } else {
        assert!(are_same, "{program:?} but {expected:?}");
    }
    match &expected.end {
        _ if may_break && !are_same => {}
        End::Closed => assert!(error.is_none() || may_break, "an error after the Close: {error:?}"),
        End::Cut => check_cut(scene, program),
        End::Failed(codes) => match error.and_then(code_of) {
            Some(code) => assert!(codes.contains(&code), "{error:?} but {expected:?}"),
            None => assert!(may_break, "it ends with {error:?} but {expected:?}"),
        },
    }
    let ended = program.ended.as_ref().expect("how it ended is known");
    let told = match error {
        Some(error) => Some(error.to_string()),
        None if program.is_silent => Some("the closing handshake made no progress in time".to_owned()),
        None => None,
    };
    assert!(ended.error() == told.as_deref() || may_break, "{ended:?} but {error:?}");
    let close = program.seen.last().and_then(|seen| match seen {
        Seen::Close(code, reason) => Some((*code, reason)),
        _ => None,
    });
    assert_eq!(ended.is_clean(), close.is_some());
    if let Some((code, reason)) = close {
        assert_eq!(
            (ended.code(), ended.reason().as_bytes()),
            (if code == 0 { 1005 } else { code }, &reason[..])
        );
    } else {
        assert_eq!(ended.code(), 1006);
    }
}

fn check_cut(scene: &Scene, program: &Program) {
    let error = program.errors.first();
    match scene.ending {
        _ if scene.fails_after.is_some() => {}
        Ending::Eof => {
            let is_eof = matches!(error, Some(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)));
            assert!(is_eof, "at the end of the stream: {error:?}");
        }
        Ending::Reset => {
            let is_reset =
                matches!(error, Some(Error::Io(error)) if error.kind() == ErrorKind::ConnectionReset);
            assert!(is_reset, "at a reset: {error:?}");
        }
        Ending::Silence => assert!(error.is_none() && program.is_silent, "in silence: {error:?}"),
    }
}

fn check_output(scene: &Scene, expected: &Expected, program: &Program, record: &Shared, start: usize) {
    let record = record.lock();
    assert!(record.is_dropped, "the IO is kept");
    let output = output::read(&record.written[start..], scene.terms);
    let pings = expected.seen.iter().filter_map(|seen| match seen {
        Seen::Ping(payload) => Some(&payload[..]),
        _ => None,
    });
    check_pongs(&output.pongs, pings);
    let mut sent = expected.seen.iter().filter(|seen| matches!(seen, Seen::Text(_) | Seen::Binary(_)));
    assert!(
        output.messages.len() <= program.seen.len()
            && output.messages.iter().all(|echo| Some(echo) == sent.next()),
        "{output:?} is not an echo"
    );
    if scene.fails_after.is_some() {
        return;
    }
    // After a reset, no peer can see either.
    let is_reset = scene.ending == Ending::Reset && expected.end == End::Cut;
    assert!(!output.is_cut || is_reset, "the output stops inside a message");
    assert!(record.is_shut_down || is_reset, "the IO is not shut down");
    // Without a driver, sending waits until everything is written. Otherwise a violation or a reset
    // may overtake a message, but no other end does.
    let is_certain = match &expected.end {
        End::Failed(_) => scene.way == Way::Alone,
        End::Cut => scene.way == Way::Alone || scene.ending != Ending::Reset,
        End::Closed => true,
    };
    assert!(
        !is_certain || output.messages.len() == program.sent.len(),
        "an echo is lost: {program:?}, {output:?}"
    );
    let close = match (program.errors.first(), program.seen.last()) {
        (Some(error), _) => code_of(error).map(|code| (code, Vec::new())),
        (None, Some(Seen::Close(code, reason))) => Some((*code, reason.clone())),
        _ if program.is_silent => Some((1000, Vec::new())),
        _ => panic!("it has just ended: {program:?}"),
    };
    assert_eq!(output.close, close, "{output:?}, {program:?}");
}
