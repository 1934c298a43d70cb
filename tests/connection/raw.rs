//! Streams without an HTTP server: behavior that exists only there.

use std::{
    future::{Future, IntoFuture, poll_fn},
    io::{self, Cursor},
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::{FutureExt, SinkExt, StreamExt};
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

/// The given number of binary frames without a pause, each in a separate read. As a socket does, it
/// sometimes makes a task that keeps reading yield.
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
            // The header of 2 bytes, the mask, and 2 bytes that unmask to zeros.
            buf.put_slice(&[BINARY; 8]);
        }
        proceed.made_progress();
        Poll::Ready(Ok(()))
    }
}

/// Reading used up the task's budget, and without a budget no timer is ever ready, so the flood
/// never ended.
///
/// Received data extends the closing handshake, to twelve times its timeout at most.
#[tokio::test(start_paused = true)]
async fn flooding_peer_is_dropped_after_twelve_close_timeouts() {
    // While the socket waits for the peer's Close, and while it drains the data after an error.
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

/// The handler used up the task's budget, and without a budget nothing was written: the answer
/// waited for the flood's end.
#[tokio::test]
async fn messages_are_written_during_a_flood() {
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
    // The flood never lets the runtime be idle, so a paused clock does not advance.
    timeout(Duration::from_secs(5), answer).await.expect("the answer arrives during the flood");
    driver.abort();
}

/// A client that read a response too slowly was then sent another one, a 408, in the middle of it.
#[tokio::test(start_paused = true)]
async fn partly_read_response_is_not_followed_by_another() {
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

/// Accepts clients in memory.
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

/// The largest values panicked, because they exceeded the representable time.
#[tokio::test(start_paused = true)]
async fn unlimited_server_deadlines_never_elapse() {
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

/// A stream that accepts and returns few bytes at a time, or none.
#[derive(Debug)]
struct Rough {
    io: DuplexStream,
    random: Random,
}

impl Rough {
    /// Returns how many of `most` bytes pass now. Sometimes pending.
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

/// The calls that a [`Scene`] has received from its server.
#[derive(Debug, Default)]
struct Seen {
    written: usize,
    is_shut_down: bool,
}

/// A client whose bytes are all available, and that then is silent or breaks the connection.
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

/// A message that waited for the handler to yield was dropped at the reset, and `flush` reported it
/// as written.
#[tokio::test(start_paused = true)]
async fn flush_fails_if_a_reset_drops_the_message() {
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

/// The IO was dropped without a shutdown, which looks to the peer like a broken connection.
#[tokio::test(start_paused = true)]
async fn abandoned_connection_is_shut_down() {
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

/// Returns a driven socket and its client, over a stream that buffers 64 bytes. `handler` also gets
/// the client.
async fn with_client<Fut: Future>(
    handler: impl FnOnce(WebSocket<DuplexStream>, DuplexStream) -> Fut,
) -> Fut::Output {
    let (mut client, server) = duplex(64);
    let acceptor = Acceptor::new(AcceptAll).with_config(Config::new().keepalive_interval(None));
    let (accepted, opened) = join!(acceptor.accept(server), open(&mut client, "/", ""));
    opened.unwrap();
    let socket = accepted.unwrap().0;
    socket.drive(|socket| handler(socket, client)).await.expect("no shutdown")
}

/// The event took the driver's waker away, by which a handler's messages are recognised: the next
/// one waited until a peer that did not read had read it.
#[tokio::test(start_paused = true)]
async fn send_does_not_wait_for_the_peer_after_an_event_in_the_same_turn() {
    let count = with_client(async |mut socket, mut client| {
        let mut count = 0;
        for _ in 0..20 {
            client.write_all(&frame(BINARY, b"")).await.unwrap();
            let mut sending = pin!(socket.send(vec![0; 1000]));
            let is_ready = poll_fn(|cx| Poll::Ready(sending.as_mut().poll(cx).is_ready())).await;
            count += usize::from(is_ready);
            yield_now().await;
        }
        drop((socket, client));
        count
    });
    assert_eq!(count.await, 20);
}

/// A reader that was registered earlier in the turn is polled again after the event.
#[tokio::test(start_paused = true)]
async fn event_in_the_same_turn_is_received() {
    let received = with_client(async |mut socket, mut client| {
        let received = poll_fn(|cx| {
            let polled = socket.poll_next_unpin(cx);
            if polled.is_pending() {
                let _ = client.write_all(&frame(BINARY, b"now")).now_or_never().expect("there is space");
            }
            polled
        });
        let received = timeout(SECOND, received).await;
        drop((socket, client));
        received
    });
    assert_eq!(received.await.unwrap().unwrap().unwrap(), Message::binary("now"));
}

/// An IO that accepts nothing until `is_open`, and meanwhile wakes its task at once.
struct Impatient {
    io: DuplexStream,
    is_open: Arc<AtomicBool>,
    call: Call,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Call {
    Write,
    Flush,
    Shutdown,
}

impl Impatient {
    fn poll_open(&self, call: Call, cx: &mut Context<'_>) -> Poll<()> {
        if call != self.call || self.is_open.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl AsyncRead for Impatient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Impatient {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_open(Call::Write, cx));
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_open(Call::Flush, cx));
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_open(Call::Shutdown, cx));
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// It was polled without end, so that no other task ran.
#[tokio::test]
async fn io_that_wakes_itself_lets_other_tasks_run() {
    for call in [Call::Write, Call::Flush, Call::Shutdown] {
        let (mut client, server) = duplex(1 << 16);
        let is_open = Arc::new(AtomicBool::new(true));
        let io = Impatient { io: server, is_open: Arc::clone(&is_open), call };
        let acceptor = Acceptor::new(AcceptAll);
        let (accepted, opened) = join!(acceptor.accept(io), open(&mut client, "/", ""));
        opened.unwrap();
        let (mut socket, ()) = accepted.unwrap();
        is_open.store(false, Ordering::Relaxed);
        let driver = tokio::spawn(async move {
            socket.send("hello").await.unwrap();
            socket.close(CloseCode::NORMAL, "").await
        });
        sleep(Duration::from_millis(20)).await;
        is_open.store(true, Ordering::Relaxed);
        client.write_all(&frame(CLOSE, b"")).await.unwrap();
        let mut bytes = Vec::new();
        client.read_to_end(&mut bytes).await.unwrap();
        assert!(bytes.windows(5).any(|part| part == b"hello"), "{call:?} {bytes:?}");
        driver.await.unwrap().unwrap();
    }
}

/// A flush waited only for the messages before an earlier flush that was dropped.
#[tokio::test(start_paused = true)]
async fn flush_waits_for_messages_after_a_dropped_flush() {
    let (mut client, server) = duplex(100);
    let acceptor = Acceptor::new(AcceptAll);
    let (accepted, opened) = join!(acceptor.accept(server), open(&mut client, "/", ""));
    opened.unwrap();
    let (mut socket, ()) = accepted.unwrap();
    socket.feed(Message::binary(vec![1; 300])).await.unwrap();
    assert!(timeout(SECOND, SinkExt::flush(&mut socket)).await.is_err());
    socket.feed(Message::binary(vec![2; 5000])).await.unwrap();
    for (len, is_written) in [(400, false), (304 + 5004 - 400, true)] {
        let mut bytes = vec![0; len];
        let reading = timeout(2 * SECOND, client.read_exact(&mut bytes));
        let (flushed, read) = join!(timeout(SECOND, SinkExt::flush(&mut socket)), reading);
        assert!(flushed.is_ok() == is_written && read.is_ok(), "{flushed:?} {read:?}");
    }
}
