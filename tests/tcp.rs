//! The options of a WebSocket's TCP socket, for each way to open one.
//!
//! This measures when a client with delayed ACKs receives two small messages that are sent 2 ms
//! apart:
//!
//! ```text
//! cargo test --test tcp -- --ignored --nocapture
//! ```
#![cfg(any(target_os = "android", target_os = "linux"))]

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use axum::{Router, serve::ListenerExt};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
    service::TowerToHyperService,
};
use raw_client::opening;
use socket2::{SockRef, Socket};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::{sleep, timeout},
};
use tower::ServiceExt;
use tower_websocket::{
    AcceptAll, Acceptor, Config, WebSocket, WebSocketUpgradeLayer,
    io::{PendingIo, Rewind},
    serve,
    server::Listener,
};

/// The ways to open a socket that give access to its TCP socket.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Serve,
    Axum,
    Hyper,
    HyperRewind,
    Auto,
    AcceptRequest,
    Acceptor,
    AcceptorRewind,
    PendingIo,
    PendingIoRewind,
}

const ALL: [Way; 10] = [
    Way::Serve,
    Way::Axum,
    Way::Hyper,
    Way::HyperRewind,
    Way::Auto,
    Way::AcceptRequest,
    Way::Acceptor,
    Way::AcceptorRewind,
    Way::PendingIo,
    Way::PendingIoRewind,
];

/// An accepted connection of a server, as a second descriptor of the same socket.
struct Accepted {
    addr: SocketAddr,
    sockets: UnboundedReceiver<Socket>,
}

impl Accepted {
    async fn next(&mut self) -> Socket {
        timeout(Duration::from_secs(10), self.sockets.recv()).await.unwrap().unwrap()
    }
}

/// A listener that passes on a second descriptor of each connection.
struct Tap(TcpListener, UnboundedSender<Socket>);

impl Listener for Tap {
    type Io = TcpStream;
    type Addr = SocketAddr;

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let (io, addr) = ready!(Listener::poll_accept(&mut self.0, cx))?;
        self.1.send(SockRef::from(&io).try_clone()?).unwrap();
        Poll::Ready(Ok((io, addr)))
    }
}

/// Sends two small messages 2 ms apart, every 200 ms, while the client is connected.
async fn pairs<IO>(mut socket: WebSocket<IO>)
where
    IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    loop {
        for _ in 0..2 {
            if socket.send("hello").await.is_err() {
                return;
            }
            sleep(Duration::from_millis(2)).await;
        }
        sleep(Duration::from_millis(200)).await;
    }
}

type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

fn service(config: Config) -> Router {
    let layer = WebSocketUpgradeLayer::new(AcceptAll, async |socket, ()| pairs(socket).await);
    Router::new().fallback_service(layer.with_config(config).into_service())
}

/// This future and the next are boxed, because otherwise the compiler does not see that they are
/// `Send`.
fn accept_request(
    acceptor: Acceptor<AcceptAll>,
    request: Request<Incoming>,
) -> BoxFuture<Result<http::Response<Full<Bytes>>, Infallible>> {
    Box::pin(async move {
        let (response, upgrading) = acceptor.accept_request(request).await.unwrap();
        tokio::spawn(async move { pairs(upgrading.await.unwrap().0).await });
        Ok(response.map(|()| Full::default()))
    })
}

fn accept<IO>(acceptor: Acceptor<AcceptAll>, io: IO) -> BoxFuture<()>
where
    IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    Box::pin(async move {
        let (socket, ()) = acceptor.accept(io).await.unwrap();
        pairs(socket).await;
    })
}

/// A server other than hyper. It answers the one request that [`open`] sends.
async fn answer(mut io: TcpStream) -> TcpStream {
    opening::read_head(&mut io).await.unwrap();
    io.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n").await.unwrap();
    io
}

async fn hand_over<IO>(service: Router, io: IO)
where
    IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let request = Request::get("/")
        .header("host", "a")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .extension(PendingIo::new(async { Ok::<_, Infallible>(io) }))
        .body(axum::body::Body::empty());
    let response = service.oneshot(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), 101);
}

impl Way {
    async fn start(self, config: Config) -> Accepted {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (sender, sockets) = unbounded_channel();
        tokio::spawn(async move {
            match self {
                Self::Serve => serve(Tap(listener, sender), service(config)).await.unwrap(),
                Self::Axum => {
                    let listener = listener.tap_io(move |io| {
                        sender.send(SockRef::from(&*io).try_clone().unwrap()).unwrap();
                    });
                    axum::serve(listener, service(config)).await.unwrap();
                }
                _ => loop {
                    let (io, _) = listener.accept().await.unwrap();
                    sender.send(SockRef::from(&io).try_clone().unwrap()).unwrap();
                    tokio::spawn(self.connection(io, config.clone()));
                },
            }
        });
        Accepted { addr, sockets }
    }

    fn connection(self, io: TcpStream, config: Config) -> BoxFuture<()> {
        let http1 = hyper::server::conn::http1::Builder::new();
        let acceptor = Acceptor::new(AcceptAll).with_config(config.clone());
        match self {
            Self::Hyper => {
                let service = TowerToHyperService::new(service(config));
                let connection = http1.serve_connection(TokioIo::new(io), service).with_upgrades();
                Box::pin(async { connection.await.unwrap() })
            }
            Self::HyperRewind => {
                let (io, service) =
                    (Rewind::new(io, Bytes::new()), TowerToHyperService::new(service(config)));
                let connection = http1.serve_connection(TokioIo::new(io), service).with_upgrades();
                Box::pin(async { connection.await.unwrap() })
            }
            Self::Auto => Box::pin(async {
                let auto = auto::Builder::new(TokioExecutor::new());
                let service = TowerToHyperService::new(service(config));
                auto.serve_connection_with_upgrades(TokioIo::new(io), service).await.unwrap();
            }),
            Self::AcceptRequest => {
                let service = service_fn(move |request| accept_request(acceptor.clone(), request));
                let connection = http1.serve_connection(TokioIo::new(io), service).with_upgrades();
                Box::pin(async { connection.await.unwrap() })
            }
            Self::Acceptor => accept(acceptor, io),
            Self::AcceptorRewind => accept(acceptor, Rewind::new(io, Bytes::new())),
            Self::PendingIo => Box::pin(async move {
                let (io, service) = (answer(io).await, service(config));
                hand_over(service, io).await;
            }),
            Self::PendingIoRewind => Box::pin(async move {
                let (io, service) = (answer(io).await, service(config));
                hand_over(service, Rewind::new(io, Bytes::new())).await;
            }),
            Self::Serve | Self::Axum => unreachable!("they accept by themselves"),
        }
    }
}

/// Returns the connection of an open WebSocket, after the head of the 101.
async fn open(addr: SocketAddr) -> TcpStream {
    let mut client = TcpStream::connect(addr).await.unwrap();
    opening::open(&mut client, "/", "").await.unwrap();
    client
}

/// Returns whether `TCP_NODELAY` is set, and `TCP_NOTSENT_LOWAT`, where 0 is the system's default.
fn options(socket: &Socket) -> (bool, u32) {
    (socket.tcp_nodelay().unwrap(), socket.tcp_notsent_lowat().unwrap())
}

const MESSAGE: &[u8] = b"\x81\x05hello";

async fn message(client: &mut TcpStream) {
    let mut message = [0; MESSAGE.len()];
    timeout(Duration::from_secs(10), client.read_exact(&mut message)).await.unwrap().unwrap();
    assert_eq!(message, MESSAGE);
}

#[tokio::test]
async fn every_way_to_open_sets_the_options() {
    for way in ALL {
        for (config, expected) in [
            (Config::new(), (true, 128 * 1024)),
            (Config::new().tcp_nodelay(false), (false, 128 * 1024)),
            (Config::new().tcp_notsent_lowat(16 * 1024), (true, 16 * 1024)),
            (Config::new().tcp_nodelay(false).tcp_notsent_lowat(None), (false, 0)),
        ] {
            let mut accepted = way.start(config).await;
            let mut client = open(accepted.addr).await;
            // The handler runs.
            message(&mut client).await;
            assert_eq!(options(&accepted.next().await), expected, "{way:?}");
        }
    }
}

/// Also if the TCP socket is not accessible when a WebSocket opens, and for ordinary requests.
#[tokio::test]
async fn serve_sets_the_options_at_once() {
    let mut accepted = Way::Serve.start(Config::new().tcp_nodelay(false)).await;
    let mut client = TcpStream::connect(accepted.addr).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), b'H');
    assert_eq!(options(&accepted.next().await), (true, 128 * 1024));
}

#[tokio::test]
async fn driver_sends_the_answer_to_a_close_with_the_fin() {
    let is_driven = |way: &Way| !matches!(way, Way::AcceptRequest | Way::Acceptor | Way::AcceptorRewind);
    for way in ALL.into_iter().filter(is_driven) {
        let mut accepted = way.start(Config::new()).await;
        let mut client = open(accepted.addr).await;
        message(&mut client).await;
        let socket = accepted.next().await;
        assert!(!socket.tcp_cork().unwrap(), "{way:?}");
        client.write_all(b"\x88\x82\0\0\0\0\x03\xe8").await.unwrap();
        let mut rest = Vec::new();
        timeout(Duration::from_secs(10), client.read_to_end(&mut rest)).await.unwrap().unwrap();
        assert!(rest.ends_with(b"\x88\x02\x03\xe8"), "{way:?}: {rest:?}");
        assert!(socket.tcp_cork().unwrap(), "{way:?}");
    }
}

/// Checks that the decisive option is set, which works on any machine. Its effect is measured
/// separately.
#[tokio::test]
#[ignore = "measures, for a quarter of a minute"]
async fn second_of_two_messages_does_not_wait_for_an_ack() {
    for (name, config) in [("with", Config::new()), ("without", Config::new().tcp_nodelay(false))] {
        for way in ALL {
            let accepted = way.start(config.clone()).await;
            let mut client = open(accepted.addr).await;
            let mut gaps = Vec::new();
            for _ in 0..9 {
                // Linux acknowledges at once for a while, unless this is disabled each time.
                SockRef::from(&client).set_tcp_quickack(false).unwrap();
                message(&mut client).await;
                let first = Instant::now();
                message(&mut client).await;
                gaps.push(first.elapsed());
            }
            gaps.sort();
            println!("{way:?}: {:.1?} {name} TCP_NODELAY", gaps[4]);
            assert_eq!(gaps[4] < Duration::from_millis(20), name == "with", "{way:?}: {gaps:?}");
        }
    }
}
