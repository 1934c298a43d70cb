//! A server whose handlers report events.

use std::{convert::Infallible, future::pending, mem, net::SocketAddr, pin::pin, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use raw_client::{
    frame, opening,
    whole::{CLOSE, TEXT},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    task::JoinHandle,
    time::timeout,
};
use tower::{Layer, service_fn};
use tower_websocket::{
    CloseCode, Config, Error, Handshake, Message, Rejection, Shutdown, WebSocket, WebSocketUpgradeLayer,
    serve, server::HttpService,
};

use crate::{
    client::{Authority, tls},
    trial::{Census, ON_PURPOSE, is_again, nothing_else, soon},
};

/// A stream of any kind.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}
impl<IO: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for IO {}

/// How many sockets and connections may be open. It is little more than one try needs, so that a
/// leaked one is noticed soon.
const LIMIT: usize = 8;

/// A server with TLS on one port and without TLS on another, and the events of its handlers.
///
/// No deadline elapses while a test waits: a connection ends only because of the fault.
pub(crate) struct Site {
    pub(crate) plain: SocketAddr,
    pub(crate) secure: SocketAddr,
    authority: Authority,
    pub(crate) shutdown: Shutdown,
    events: UnboundedReceiver<Event>,
    base: Option<Census>,
    _server: JoinHandle<std::io::Result<()>>,
}

/// An event that a handler or a handshake service reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The handshake service was called.
    Asked,
    /// Its future was dropped before it completed.
    Unasked,
    Opened,
    Message(usize),
    /// The buffers are full.
    Stuck,
    /// How the socket ended for its handler.
    Ended(String),
}

/// A deadline that never elapses.
pub(crate) const NEVER: Duration = Duration::from_secs(100_000);

pub(crate) fn config() -> Config {
    Config::new()
        .keepalive_interval(None)
        .close_timeout(NEVER)
        .handshake_timeout(NEVER)
        .max_connections(LIMIT)
}

impl Site {
    pub(crate) async fn start() -> Self {
        let (tell, events) = mpsc::unbounded_channel();
        let authority = Authority::new();
        let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let secure = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (plain_addr, secure_addr) = (plain.local_addr().unwrap(), secure.local_addr().unwrap());
        let server = serve(plain, service(config(), tell))
            .listen_tls(secure, authority.tls())
            .max_connections(LIMIT)
            .tls_handshake_timeout(NEVER)
            .first_request_timeout(NEVER)
            .header_read_timeout(NEVER)
            .write_timeout(NEVER)
            .http2_idle_timeout(NEVER);
        let shutdown = server.shutdown().clone();
        let server = tokio::spawn(server.into_future());
        let mut site = Self {
            plain: plain_addr,
            secure: secure_addr,
            authority,
            shutdown,
            events,
            base: None,
            _server: server,
        };
        // From now on, resources that are made once and kept exist.
        site.is_well().await;
        site
    }

    /// Returns a client's stream, with TLS or without. When it is dropped, the connection is reset.
    pub(crate) async fn reset_on_drop(&self, is_tls: bool) -> Box<dyn Stream> {
        self.connect(is_tls, true).await
    }

    pub(crate) async fn connect(&self, is_tls: bool, resets: bool) -> Box<dyn Stream> {
        self.connect_with("http/1.1", is_tls, resets).await
    }

    /// Like `connect`, with another ALPN protocol.
    pub(crate) async fn connect_with(&self, protocol: &str, is_tls: bool, resets: bool) -> Box<dyn Stream> {
        let io = TcpStream::connect(if is_tls { self.secure } else { self.plain }).await.unwrap();
        io.set_nodelay(true).unwrap();
        if resets {
            io.set_zero_linger().unwrap();
        }
        if is_tls {
            Box::new(tls(&self.authority.client(&[protocol], false), io).await.unwrap())
        } else {
            Box::new(io)
        }
    }

    pub(crate) async fn event(&mut self) -> Event {
        soon(self.events.recv()).await.unwrap()
    }

    /// Waits for the next event, which must be `expected`.
    pub(crate) async fn sees(&mut self, expected: Event) {
        assert_eq!(self.event().await, expected);
    }

    /// Skips messages, and returns the end that the handler reports.
    pub(crate) async fn ended(&mut self) -> String {
        loop {
            match self.event().await {
                Event::Ended(how) => return how,
                Event::Message(_) => {}
                event => panic!("{event:?}, where the end was due"),
            }
        }
    }

    /// Waits until the counters are at their idle values. Fails if a handler reports another event.
    pub(crate) async fn settled(&mut self, when: &str) {
        let shutdown = self.shutdown.clone();
        let census = move || Census::take(shutdown.connections());
        match self.base {
            Some(base) => is_again(base, census, when).await,
            None => self.base = Some(nothing_else(census, when).await),
        }
        assert!(self.events.is_empty(), "{when}: {:?} came late", self.events.try_recv());
    }

    /// Checks that an ordinary client is served.
    pub(crate) async fn is_well(&mut self) {
        for is_tls in [false, true] {
            let mut io = self.connect(is_tls, false).await;
            open(&mut io, "/echo").await;
            self.sees(Event::Opened).await;
            io.write_all(&frame(TEXT, b"hello")).await.unwrap();
            io.write_all(&frame(CLOSE, &[3, 232])).await.unwrap();
            let mut answer = Vec::new();
            soon(io.read_to_end(&mut answer)).await.unwrap();
            assert_eq!(answer, b"\x81\x05hello\x88\x02\x03\xe8");
            assert_eq!(self.ended().await, "the end");
        }
        self.settled("an ordinary client").await;
    }
}

/// Does the opening handshake.
pub(crate) async fn open(io: &mut (impl AsyncRead + AsyncWrite + Unpin), path: &str) {
    soon(opening::open(io, path, "")).await.unwrap();
}

/// Returns a service of WebSockets, whose path selects the handler's behavior, and a page for other
/// requests.
pub(crate) fn service(config: Config, tell: UnboundedSender<Event>) -> impl HttpService {
    let asked = tell.clone();
    let handshake = service_fn(move |request: Request<Handshake>| {
        let path = request.uri().path().to_owned();
        if path == "/handshake/call" {
            panic!("{ON_PURPOSE}");
        }
        let tell = asked.clone();
        async move {
            match &*path {
                "/asked" => {
                    tell.send(Event::Asked).unwrap();
                    let _guard = OnDrop(Some(move || drop(tell.send(Event::Unasked))));
                    pending::<()>().await;
                }
                "/handshake/future" => panic!("{ON_PURPOSE}"),
                _ => {}
            }
            Ok::<_, Rejection>(request.into_body().accept(path))
        }
    });
    let handler = move |socket: WebSocket, path: String| {
        if path == "/handler/call" {
            panic!("{ON_PURPOSE}");
        }
        let tell = tell.clone();
        async move {
            tell.send(Event::Opened).unwrap();
            let how = handle(socket, &path, &tell).await;
            let _ = tell.send(Event::Ended(how));
        }
    };
    WebSocketUpgradeLayer::new(handshake, handler).with_config(config).layer(service_fn(page))
}

async fn page<B>(request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() == "/page/panics" {
        panic!("{ON_PURPOSE}");
    }
    let large = request.uri().path() == "/large";
    Ok(Response::new(if large { vec![b'x'; 8 << 20].into() } else { "page".into() }))
}

async fn handle(mut socket: WebSocket, path: &str, tell: &UnboundedSender<Event>) -> String {
    match path {
        "/close" => {
            let closed = socket.close(CloseCode::NORMAL, "").await;
            format!("close() returned {}", closed.map_or_else(|error| name(&error), |()| "Ok".to_owned()))
        }
        "/leave" => "the handler had returned".to_owned(),
        "/send" => send_without_end(socket, tell).await,
        "/asleep" => {
            let _socket = socket;
            pending().await
        }
        "/handler/poll" => panic!("{ON_PURPOSE}"),
        "/handler/task" => {
            let (sender, _receiver) = socket.split();
            let other = sender.clone();
            tokio::spawn(async move { other.send("from another task").await }).await.unwrap().unwrap();
            panic!("{ON_PURPOSE}");
        }
        _ => receive(socket, path, tell).await,
    }
}

/// Receives until the end. There may be one error, and nothing after it.
async fn receive(mut socket: WebSocket, path: &str, tell: &UnboundedSender<Event>) -> String {
    let mut failed = None;
    while let Some(received) = socket.recv().await {
        assert!(failed.is_none(), "{received:?} after an error");
        match received {
            Ok(message) if message.is_text() || message.is_binary() => {
                if path == "/handler/message" {
                    panic!("{ON_PURPOSE}");
                }
                tell.send(Event::Message(message.len())).unwrap();
                let _ = socket.send(message).await;
            }
            Ok(_) => {}
            Err(error) => failed = Some(name(&error)),
        }
    }
    assert!(socket.recv().await.is_none());
    failed.map_or_else(|| "the end".to_owned(), |error| format!("one error, {error}, and the end"))
}

/// Sends until the write buffer and the system's buffers are full, reports that, and continues
/// until sending fails.
async fn send_without_end(socket: WebSocket, tell: &UnboundedSender<Event>) -> String {
    let (sender, _receiver) = socket.split();
    let mut is_told = false;
    loop {
        let mut sending = pin!(sender.send(Message::binary(vec![0; 64 << 10])));
        // Sending also waits briefly while another task writes.
        let sent = match timeout(Duration::from_millis(100), &mut sending).await {
            Ok(sent) => sent,
            Err(_) => {
                if !mem::replace(&mut is_told, true) {
                    tell.send(Event::Stuck).unwrap();
                }
                sending.await
            }
        };
        if let Err(error) = sent {
            return format!("send failed with {}", name(&error));
        }
    }
}

/// Returns the kind of an error.
pub(crate) fn name(error: &Error) -> String {
    match error {
        Error::Io(error) => format!("{:?}", error.kind()),
        Error::Protocol(error) => format!("{error:?}"),
        error => format!("{error:?}"),
    }
}

/// Calls a closure when it is dropped.
pub(crate) struct OnDrop<F: FnOnce()>(pub(crate) Option<F>);

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            call();
        }
    }
}

/// Reads until the end of the stream or a reset.
pub(crate) async fn read_to_end(io: &mut (impl AsyncRead + Unpin + ?Sized)) -> (Vec<u8>, &'static str) {
    let mut all = Vec::new();
    let read = soon(io.read_to_end(&mut all)).await;
    (all, if read.is_ok() { "end of stream" } else { "reset" })
}
