//! Streams that are no more than streams: what is only there when no HTTP server is in between.

use std::{
    future::IntoFuture,
    io::{self, Cursor},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
    time::Duration,
};

use raw_client::{
    frame,
    opening::{open, request},
    whole::{BINARY, CLOSE},
};
use tokio::{
    io::{
        AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex, join as pair_of,
        sink,
    },
    join,
    sync::{mpsc, oneshot},
    task::{coop::poll_proceed, yield_now},
    time::{advance, sleep, timeout},
};
use tower_websocket::{
    AcceptAll, Acceptor, CloseCode, Config, Error, Message, Shutdown, WebSocket, WebSocketUpgradeLayer,
    serve, server::Listener,
};

use crate::{
    limits::endless,
    model::{Random, config, play},
};

const SECOND: Duration = Duration::from_secs(1);

/// So many binary frames without a pause, each in a read of its own. As a socket does, it has a
/// task that reads on and on yield at times.
struct Flood(usize);

impl AsyncRead for Flood {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let proceed = ready!(poll_proceed(cx));
        if self.0 > 0 {
            self.0 -= 1;
            // The header of 2 bytes, the mask, and 2 bytes that it makes zeros.
            buf.put_slice(&[BINARY; 8]);
        }
        proceed.made_progress();
        Poll::Ready(Ok(()))
    }
}

/// Reading used up the task's budget, and without one no timer is ever ready: the flood went on for
/// ever.
///
/// What arrives extends the closing handshake, to twelve times its timeout at most.
#[tokio::test(start_paused = true)]
async fn a_peer_that_floods_is_dropped_at_twelve_close_timeouts() {
    // While the socket waits for the peer's Close, and while it drains what comes after an error.
    for before in [vec![], frame(0x83, b"reserved opcode")] {
        let shutdown = Shutdown::new();
        let acceptor = Acceptor::new(AcceptAll).with_config(Config::new().with_shutdown(&shutdown));
        let flood = Cursor::new([request("/", "").as_bytes(), &before].concat()).chain(Flood(usize::MAX));
        let (mut socket, ()) = acceptor.accept(pair_of(flood, sink())).await.unwrap();
        if !before.is_empty() {
            assert!(socket.recv().await.unwrap().is_err());
        }
        drop(socket);
        let is_open = async || {
            for _ in 0..2 {
                yield_now().await;
            }
            shutdown.connections() == 1
        };
        for _ in 0..15 {
            assert!(is_open().await);
            advance(4 * SECOND - Duration::from_millis(5)).await;
        }
        assert!(is_open().await);
        advance(Duration::from_millis(200)).await;
        assert!(!is_open().await);
    }
}

/// The handler used up its task's budget, and without one nothing was written: the answer waited
/// for the flood's end.
#[tokio::test]
async fn a_handler_that_reads_a_flood_is_written_out_all_the_same() {
    let (mut client, server) = duplex(1024);
    let flood = Cursor::new(request("/", "")).chain(Flood(usize::MAX));
    let acceptor = Acceptor::new(AcceptAll);
    let (socket, ()) = acceptor.accept(pair_of(flood, server)).await.unwrap();
    let driver = tokio::spawn(socket.drive(async |mut socket: WebSocket<_>| {
        socket.recv().await.unwrap().unwrap();
        socket.send("ack").await.unwrap();
        while let Some(Ok(_)) = socket.recv().await {}
    }));
    let answer = async {
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n\x81\x03ack") {
            answer.push(client.read_u8().await.unwrap());
        }
    };
    // The flood leaves no rest in which a paused clock would go on.
    timeout(Duration::from_secs(5), answer).await.expect("the answer arrives during the flood");
    driver.abort();
}

/// A client that takes a response too slowly was then sent another one, a 408, into the middle of
/// it.
#[tokio::test(start_paused = true)]
async fn a_client_that_took_a_part_of_the_response_gets_no_other() {
    let (mut client, server) = duplex(64);
    let accepting = tokio::spawn(async move {
        let error = Acceptor::new(AcceptAll).accept(server).await.unwrap_err();
        let _ = error.respond().await;
    });
    client.write_all(request("/", "").as_bytes()).await.unwrap();
    sleep(60 * SECOND).await;
    let mut response = String::new();
    client.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 101 "), "{response}");
    assert_eq!(response.len(), 64, "{response}");
    accepting.await.unwrap();
}

/// Clients that come through memory.
struct Pipes(mpsc::Receiver<DuplexStream>);

impl Listener for Pipes {
    type Io = DuplexStream;
    type Addr = ();

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(DuplexStream, ())>> {
        match ready!(self.0.poll_recv(cx)) {
            Some(io) => Poll::Ready(Ok((io, ()))),
            None => Poll::Pending,
        }
    }
}

/// The largest values panicked: a time beyond the end of time.
#[tokio::test(start_paused = true)]
async fn deadlines_of_a_server_without_end_never_come() {
    const HOUR: Duration = Duration::from_secs(3600);
    let (clients, listener) = mpsc::channel(1);
    let layer = WebSocketUpgradeLayer::new(
        AcceptAll,
        async |mut socket: WebSocket, ()| {
            while let Some(Ok(_)) = socket.recv().await {}
        },
    );
    let (stop, stopped) = oneshot::channel::<()>();
    let server = serve(Pipes(listener), layer.with_config(endless()).into_service())
        .drain_timeout(Duration::MAX)
        .first_request_timeout(Duration::MAX)
        .header_read_timeout(Duration::MAX)
        .with_graceful_shutdown(async { stopped.await.unwrap() });
    let server = tokio::spawn(server.into_future());
    let (mut client, io) = duplex(1024);
    clients.send(io).await.unwrap();
    sleep(HOUR).await;
    open(&mut client, "/", "").await.unwrap();
    stop.send(()).unwrap();
    let mut close = [0; 4];
    client.read_exact(&mut close).await.unwrap();
    assert_eq!(close, [0x88, 2, 3, 233]);
    sleep(HOUR).await;
    assert!(!server.is_finished());
    client.write_all(&frame(CLOSE, &[3, 233])).await.unwrap();
    server.await.unwrap().unwrap();
}

/// A stream that takes and gives little at a time, and nothing at all at others.
#[derive(Debug)]
struct Rough {
    io: DuplexStream,
    random: Random,
}

impl Rough {
    /// How many bytes pass now, of so many; pending at times.
    fn poll_some(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<usize> {
        if self.random.one_in(4) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let largest = if self.random.one_in(2) { 20 } else { 100_000 };
        Poll::Ready(most.min(1 + self.random.below(largest)))
    }
}

impl AsyncRead for Rough {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut part = vec![0; ready!(self.poll_some(cx, buf.remaining()))];
        let mut part = ReadBuf::new(&mut part);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut part))?;
        buf.put_slice(part.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Rough {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let some = ready!(self.poll_some(cx, buf.len()));
        Pin::new(&mut self.io).poll_write(cx, &buf[..some])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_some(cx, 0));
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_some(cx, 0));
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_on_a_rough_stream() {
    for seed in 0..25 {
        println!("seed {seed}");
        let random = &mut Random::new(seed);
        let (config, limits) = config(random);
        let shutdown = Shutdown::new();
        let acceptor = Acceptor::new(AcceptAll).with_config(config.with_shutdown(&shutdown));
        let (mut client, io) = duplex(random.pick(&[100, 5000, 1 << 17]));
        let rough = Rough { io, random: random.split() };
        let (accepted, opened) = join!(acceptor.accept(rough), open(&mut client, "/", ""));
        opened.unwrap();
        play(random, limits, accepted.unwrap().0, &mut client).await;
        shutdown.idle().await;
    }
}

/// What a [`Scene`] has seen of its server.
#[derive(Debug, Default)]
struct Seen {
    written: usize,
    is_shut_down: bool,
}

/// A client whose bytes are all there, and that then says nothing more or breaks the connection.
struct Scene {
    input: Cursor<Vec<u8>>,
    resets: bool,
    seen: Arc<Mutex<Seen>>,
}

impl Scene {
    fn new(frames: &[u8], resets: bool) -> (Self, Arc<Mutex<Seen>>) {
        let seen = Arc::<Mutex<Seen>>::default();
        let input = Cursor::new([request("/", "").as_bytes(), frames].concat());
        (Self { input, resets, seen: Arc::clone(&seen) }, seen)
    }
}

impl AsyncRead for Scene {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.input).poll_read(cx, buf))?;
        match (buf.filled().len() > before, self.resets) {
            (true, _) => Poll::Ready(Ok(())),
            (false, true) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            (false, false) => Poll::Pending,
        }
    }
}

impl AsyncWrite for Scene {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.seen.lock().unwrap().written += buf.len();
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.seen.lock().unwrap().is_shut_down = true;
        Poll::Ready(Ok(()))
    }
}

/// A message that waited for the handler to yield was dropped at the reset, and `flush` told that
/// it was written.
#[tokio::test(start_paused = true)]
async fn a_message_that_is_dropped_at_a_reset_is_an_error_of_flush() {
    for len in [1, 100_000] {
        let (io, seen) = Scene::new(&frame(BINARY, b"x"), true);
        let (socket, ()) = Acceptor::new(AcceptAll).accept(io).await.unwrap();
        let head = seen.lock().unwrap().written;
        let handler = async |socket: WebSocket<Scene>| {
            let (sender, mut receiver) = socket.split();
            receiver.recv().await.unwrap().unwrap();
            sender.send(Message::binary(vec![0; len])).await.unwrap();
            assert!(matches!(receiver.recv().await, Some(Err(Error::Io(_)))));
            sender.flush().await
        };
        let flushed = socket.drive(handler).await.unwrap();
        let is_written = seen.lock().unwrap().written > head + len;
        assert_eq!(flushed.is_ok(), is_written, "{flushed:?}");
    }
}

/// The IO was dropped without a shutdown, which the peer cannot tell from a broken connection.
#[tokio::test(start_paused = true)]
async fn a_connection_that_is_given_up_is_shut_down() {
    for is_wrong in [false, true] {
        let (io, seen) = Scene::new(if is_wrong { b"\x83" } else { b"" }, false);
        let (mut socket, ()) = Acceptor::new(AcceptAll).accept(io).await.unwrap();
        if is_wrong {
            assert!(matches!(socket.recv().await, Some(Err(Error::Protocol(_)))));
        }
        let closed = socket.close(CloseCode::NORMAL, "").await;
        assert!(matches!(closed, Err(Error::Io(error)) if error.kind() == io::ErrorKind::TimedOut));
        drop(socket);
        assert!(seen.lock().unwrap().is_shut_down);
    }
}
