//! Foreign code that uses sockets: subscribers, loggers, destructors, thread-locals, and slow work.

use std::{
    cell::{Cell, RefCell},
    future::Future,
    pin::Pin,
    process::Command,
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    task::{self, Poll},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{FutureExt, SinkExt};
use raw_client::{
    FIN, RSV1,
    opcode::{BINARY, CLOSE, PING, PONG, TEXT},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf},
    runtime::{Builder, Runtime},
    task::yield_now,
};
use tower_websocket::{AcceptAll, Acceptor, CloseCode, Config, Deflate, Message, Sender, WebSocket};
use tracing::{Event, Subscriber, field::Visit};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
};

use crate::{
    form::by_form,
    life::pair,
    peer::Peer,
    site::{Site, Way},
    trial::{noise, soon, tell},
};

/// Runs a test on its own thread. If the thread hangs, the test fails, and the thread is not
/// joined.
fn on_a_thread(what: &str, test: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    let thread = thread::spawn(move || {
        test();
        let _ = done.send(());
    });
    match is_done.recv_timeout(Duration::from_secs(60)) {
        Ok(()) => thread.join().expect("it has not panicked"),
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{what}: it hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(thread.join().expect_err("it has panicked"))
        }
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("there is a thread")
}

thread_local! {
    /// Whether this thread is inside a viewer. Events of the viewer itself are not shown.
    static IS_SHOWING: Cell<bool> = const { Cell::new(false) };
    /// The sockets to which the log of this thread is sent.
    static LOG_VIEWERS: RefCell<Vec<Sender<DuplexStream>>> = const { RefCell::new(Vec::new()) };
}

/// Runs `show`, unless it is already running on this thread.
fn show(show: impl FnOnce()) {
    if !IS_SHOWING.replace(true) {
        show();
        IS_SHOWING.set(false);
    }
}

/// Sockets that show the log.
#[derive(Clone, Default)]
struct Viewers {
    senders: Arc<Mutex<Vec<Sender<DuplexStream>>>>,
    shown: Arc<AtomicUsize>,
}

impl<S: Subscriber> Layer<S> for Viewers {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        struct Text(String);
        impl Visit for Text {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0 += &format!("{field}={value:?} ");
            }
        }
        let mut text = Text(format!("{}: ", event.metadata().target()));
        event.record(&mut text);
        show(|| {
            let senders = self.senders.lock().expect("nothing panics").clone();
            for sender in senders {
                self.shown.fetch_add(1, Ordering::Relaxed);
                let _ = sender.try_send(Message::text(text.0.clone()));
                let _ = sender.is_closed();
            }
        });
    }

    fn on_record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>, _: Context<'_, S>) {
        show(|| {
            for sender in self.senders.lock().expect("nothing panics").clone() {
                let _ = sender.try_send(Message::text("a record"));
            }
        });
    }

    fn on_close(&self, _: tracing::span::Id, _: Context<'_, S>) {
        show(|| {
            for sender in self.senders.lock().expect("nothing panics").clone() {
                let _ = sender.try_send(Message::text("a span ended"));
            }
        });
    }
}

/// Runs a connection from its opening to its end, with everything that may be logged: messages,
/// pings, compression, errors.
async fn life(viewers: Option<&Viewers>, ending: usize) {
    let config = Config::new().deflate(Deflate::new().threshold(0));
    let (mut peer, socket) = pair(config, 1 << 10).await;
    let (sender, mut receiver) = socket.split();
    match viewers {
        Some(viewers) => viewers.senders.lock().expect("nothing panics").push(sender.clone()),
        None => LOG_VIEWERS.with(|viewers| viewers.borrow_mut().push(sender.clone())),
    }
    let handler = tokio::spawn(async move {
        while let Some(Ok(message)) = receiver.recv().await {
            if message.is_text() && sender.send(message).await.is_err() {
                break;
            }
        }
        drop(sender);
    });
    peer.send(FIN | TEXT, b"echo").await;
    peer.send(FIN | PING, b"ping").await;
    // Log lines arrive in between.
    let (mut is_echoed, mut is_answered) = (false, false);
    while !is_echoed || !is_answered {
        let frame = peer.next().await;
        is_echoed |= frame.payload == b"echo";
        is_answered |= frame.opcode() == PONG;
    }
    match ending {
        0 => peer.close(1000).await,
        1 => peer.send(FIN | TEXT, b"\xff").await,
        2 => peer.send_raw(&[FIN | 3, 0x80, 0, 0, 0, 0]).await,
        3 => peer.send(FIN | BINARY, vec![1; (1 << 20) + 1]).await_or_end().await,
        4 => peer.send(FIN | RSV1 | TEXT, b"\xff").await,
        _ => drop(peer),
    }
    handler.await.expect("the handler does not panic");
    // A background driver may log as well.
    for _ in 0..10 {
        yield_now().await;
    }
}

/// Sends more than the peer reads.
trait OrEnd {
    async fn await_or_end(self);
}

impl<F: Future<Output = ()>> OrEnd for F {
    async fn await_or_end(self) {
        let _ = tokio::time::timeout(Duration::from_millis(200), self).await;
    }
}

#[test]
fn subscriber_may_use_the_socket_that_shows_the_log() {
    for ending in 0..6 {
        on_a_thread(&format!("a viewer of the log, ending {ending}"), move || {
            let viewers = Viewers::default();
            let subscriber = tracing_subscriber::registry().with(viewers.clone());
            tracing::subscriber::with_default(subscriber, || {
                runtime().block_on(async {
                    life(Some(&viewers), ending).await;
                    // The first one's viewer is gone, and log lines are still sent to it.
                    life(Some(&viewers), ending).await;
                });
            });
            assert!(viewers.shown.load(Ordering::Relaxed) > 0, "nothing was shown");
        });
    }
}

/// Each thread's events are sent to the sockets of both threads, so locks must not be nested.
#[test]
fn two_viewers_on_two_threads_do_not_deadlock() {
    on_a_thread("two viewers", || {
        let viewers = Viewers::default();
        let start = Arc::new(Barrier::new(2));
        let rounds = by_form(50, 500);
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let (viewers, start) = (viewers.clone(), Arc::clone(&start));
                thread::spawn(move || {
                    let subscriber = tracing_subscriber::registry().with(viewers.clone());
                    tracing::subscriber::with_default(subscriber, || {
                        for n in 0..rounds {
                            start.wait();
                            runtime().block_on(life(Some(&viewers), n % 6));
                            start.wait();
                            viewers.senders.lock().expect("nothing panics").clear();
                        }
                    });
                })
            })
            .collect();
        for thread in threads {
            thread.join().expect("it has not panicked");
        }
        tell(&format!("| two viewers of each other's log | {} trials |", 2 * rounds));
    });
}

/// Log records that dependencies write through the crate `log` are shown by a similar logger.
struct LogViewer;

impl log::Log for LogViewer {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        LOG_VIEWERS.try_with(|viewers| !viewers.borrow().is_empty()).unwrap_or(false)
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            show(|| {
                for sender in LOG_VIEWERS.with(|viewers| viewers.borrow().clone()) {
                    let _ = sender.try_send(Message::text(record.args().to_string()));
                }
            });
        }
    }

    fn flush(&self) {}
}

#[test]
fn logger_may_use_the_socket_that_shows_the_log() {
    log::set_logger(&LogViewer).expect("no other logger is set");
    log::set_max_level(log::LevelFilter::Trace);
    for ending in 0..6 {
        on_a_thread(&format!("a viewer of the dependencies' log, ending {ending}"), move || {
            runtime().block_on(life(None, ending));
            LOG_VIEWERS.with(|viewers| viewers.borrow_mut().clear());
        });
    }
    log::set_max_level(log::LevelFilter::Off);
}

/// A separate thread compresses for a long time. It must not delay another connection on the
/// runtime's only thread, even if the first connection has other work meanwhile.
#[test]
fn compressing_on_another_thread_does_not_delay_others() {
    on_a_thread("compressing", || {
        let runtime = runtime();
        let config = Config::new().keepalive_interval(None).deflate(Deflate::new().level(9));
        let (tell_sender, senders) = mpsc::channel();
        let site = runtime.block_on(Site::start(Way::Tcp, config, move |socket: WebSocket| {
            let tell_sender = tell_sender.clone();
            async move {
                let (sender, mut receiver) = socket.split();
                let _ = tell_sender.send(sender.clone());
                while let Some(Ok(message)) = receiver.recv().await {
                    if message.is_binary() && sender.send(message).await.is_err() {
                        break;
                    }
                }
            }
        }));
        let addr = site.addr();
        thread::scope(|scope| {
            let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
            scope.spawn(move || {
                let _ = runtime.block_on(stopped);
                runtime.shutdown_background();
            });
            let client = self::runtime();
            let rounds = client.block_on(async {
                let open = async |offer| {
                    let io = crate::site::tcp(addr, Default::default()).await.expect("it listens");
                    Peer::open(io, offer).await.expect("it opens")
                };
                let mut large = open(Some("permessage-deflate")).await;
                let sender = senders.recv().expect("the handler reports");
                let mut echo = open(None).await;
                // The data is compressible, but slow to compress.
                let text = noise(1, 1 << 20)
                    .iter()
                    .map(|byte| b"etaoinshrdlu"[*byte as usize % 12])
                    .collect::<Vec<_>>();
                let message = Bytes::from(text.repeat(24));
                let compressing = thread::spawn(move || {
                    let start = Instant::now();
                    // The handler runs on another thread.
                    let _ = sender.try_send(Message::binary(message));
                    (start, Instant::now())
                });
                let mut longest = Duration::ZERO;
                let mut rounds = 0;
                while !compressing.is_finished() {
                    // Makes the first connection's driver poll it.
                    large.send(FIN | PING, b"look").await;
                    let start = Instant::now();
                    echo.send(FIN | BINARY, b"echo").await;
                    assert_eq!(soon("the echo", echo.next()).await.payload, b"echo");
                    longest = longest.max(start.elapsed());
                    rounds += 1;
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                let (start, end) = compressing.join().expect("compressing does not panic");
                let took = end - start;
                tell(&format!(
                    "| compressing for {took:.0?} | {rounds} echoes | the longest {longest:.1?} |"
                ));
                assert!(took > Duration::from_millis(100), "compressing took {took:?}: nothing was tried");
                rounds
            });
            let _ = stop.send(());
            // If it waited for the compression, only the first echoes would arrive in time.
            assert!(rounds >= 10, "{rounds} echoes while another thread compresses");
        });
    });
}

/// Bytes whose destructor uses a sender.
struct Owner {
    bytes: Vec<u8>,
    sender: Sender<DuplexStream>,
    dropped: Arc<AtomicUsize>,
}

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        let _ = self.sender.try_send(Message::text("dropped"));
        let _ = self.sender.is_closed();
    }
}

/// The messages are written, rejected, left over when the connection ends, or dropped with the
/// runtime.
#[test]
fn destructor_of_a_message_may_use_a_sender() {
    for way in
        ["written", "refused", "after the end", "left by a reset", "left by our Close", "left by the runtime"]
    {
        for len in [10, 5_000, 300_000] {
            on_a_thread(&format!("messages of {len} bytes that are {way}"), move || {
                let dropped = Arc::new(AtomicUsize::new(0));
                let runtime = runtime();
                let sent = runtime.block_on(owners(way, len, &dropped));
                drop(runtime);
                assert!(dropped.load(Ordering::Relaxed) > 0, "{way}: none of {sent} was dropped");
            });
        }
    }
}

async fn owners(way: &str, len: usize, dropped: &Arc<AtomicUsize>) -> usize {
    let config = Config::new().keepalive_interval(None).max_write_buffer_size(10_000);
    let (mut peer, socket) = pair(config, 1 << 10).await;
    let (sender, mut receiver) = socket.split();
    let owner = || {
        let owner = Owner { bytes: vec![1; len], sender: sender.clone(), dropped: Arc::clone(dropped) };
        Message::binary(Bytes::from_owner(owner))
    };
    let mut sent = 0;
    match way {
        "written" => {
            sender.send(owner()).await.expect("it is open");
            sent += 1;
            let mut bytes = 0;
            while bytes < len {
                bytes += peer.next().await.payload.len();
            }
            assert_eq!(peer.next().await.payload, b"dropped");
        }
        "refused" => {
            while sender.try_send(owner()).is_ok() {
                sent += 1;
            }
        }
        "after the end" => {
            peer.close(1000).await;
            while let Some(Ok(_)) = receiver.recv().await {}
            let _ = sender.try_send(owner());
            let _ = sender.send(owner()).await;
            sent += 2;
        }
        "left by a reset" => {
            sender.send(owner()).await.expect("it is open");
            drop(peer);
            while let Some(Ok(_)) = receiver.recv().await {}
        }
        "left by our Close" => {
            let _ = sender.try_send(owner());
            peer.close(1000).await;
            while let Ok(frame) = tokio::time::timeout(Duration::from_millis(100), peer.frame()).await {
                if frame.is_ok_and(|frame| frame.is_none_or(|frame| frame.opcode() == CLOSE)) {
                    break;
                }
            }
            drop(peer);
            while let Some(Ok(_)) = receiver.recv().await {}
        }
        _ => {
            sender.send(owner()).await.expect("it is open");
            tokio::spawn(async move { while let Some(Ok(_)) = receiver.recv().await {} });
            yield_now().await;
        }
    }
    sent
}

thread_local! {
    static KEPT: RefCell<Vec<WebSocket<DuplexStream>>> = const { RefCell::new(Vec::new()) };
    static KEPT_SENDER: RefCell<Vec<Sender<DuplexStream>>> = const { RefCell::new(Vec::new()) };
}

/// Returns a socket with half a received compressed message, and with unsent data that fits into
/// `room` or not.
async fn busy(room: usize) -> (Peer, WebSocket<DuplexStream>) {
    let (io, server) = tokio::io::duplex(room);
    let config = Config::new().deflate(Deflate::new().threshold(0));
    let acceptor = Acceptor::new(AcceptAll).with_config(config);
    let (peer, accepted) = tokio::join!(Peer::open(io, Some("permessage-deflate")), acceptor.accept(server));
    let (mut peer, (mut socket, ())) = (peer.expect("it opens"), accepted.expect("it opens"));
    peer.send(RSV1 | BINARY, [0x4a, 0x4c]).await;
    assert!(socket.recv().now_or_never().is_none(), "the message is not whole");
    let _ = socket.feed(Message::binary(noise(1, 5_000))).now_or_never();
    (peer, socket)
}

/// The child process of the test below.
#[ignore = "another test runs it in a process of its own"]
#[test]
fn child_that_keeps_sockets_in_thread_locals() {
    for is_runtime_alive in [false, true] {
        for order in 0..2 {
            let runtime =
                Arc::new(Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());
            let (kept, pairs) = (Arc::clone(&runtime), 3);
            let (send_peers, peers) = mpsc::channel();
            thread::spawn(move || {
                if order == 0 {
                    // The destructors of thread-locals run in the order of their first use.
                    KEPT.with(|_| ());
                    KEPT_SENDER.with(|_| ());
                }
                // The peers outlive the sockets.
                let mut peers = Vec::new();
                for n in 0..pairs {
                    for is_split in [false, true] {
                        let (peer, mut socket) = kept.block_on(busy(if n == 0 { 1 << 10 } else { 64 << 10 }));
                        peers.push(peer);
                        if is_split {
                            let _guard = kept.enter();
                            let (sender, receiver) = socket.split();
                            let _ = sender.try_send(Message::binary(vec![1; 5_000]));
                            drop(receiver);
                            KEPT_SENDER.with(|senders| senders.borrow_mut().push(sender));
                        } else {
                            // Unwritten data is written when the socket is dropped.
                            let _ = kept.block_on(async {
                                socket.feed(Message::binary(vec![1; 5_000])).now_or_never()
                            });
                            KEPT.with(|sockets| sockets.borrow_mut().push(socket));
                        }
                    }
                }
                let _ = send_peers.send(peers);
                if !is_runtime_alive {
                    drop(kept);
                }
            })
            .join()
            .expect("the thread has not panicked");
            drop((runtime, peers.recv()));
        }
    }
}

#[test]
fn socket_in_a_thread_local_ends_with_its_thread() {
    let output = Command::new(std::env::current_exe().expect("there is a test binary"))
        .args(["--exact", "foreign::child_that_keeps_sockets_in_thread_locals", "--ignored", "--nocapture"])
        .output()
        .expect("the test binary starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {told}", output.status);
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "nothing ran");
}

/// IO that fails with its own error on command.
struct Failing {
    io: DuplexStream,
    fails: Arc<Mutex<Option<std::io::Error>>>,
    writes: bool,
}

impl Failing {
    fn error(&self, is_write: bool) -> std::io::Result<()> {
        match self.fails.lock().expect("nothing panics").take_if(|_| is_write == self.writes) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}

impl AsyncRead for Failing {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.error(false)?;
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Failing {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.error(true)?;
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// An error that uses the connection when it is formatted and when it is dropped.
#[derive(Debug)]
struct Curious {
    sender: Sender<Failing>,
    uses: Arc<AtomicUsize>,
}

impl Curious {
    fn look(&self) {
        self.uses.fetch_add(1, Ordering::Relaxed);
        let _ = self.sender.is_closed();
        let _ = self.sender.try_send(Message::text("an error"));
    }
}

impl std::fmt::Display for Curious {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.look();
        f.write_str("a curious error")
    }
}

impl std::error::Error for Curious {}

impl Drop for Curious {
    fn drop(&mut self) {
        self.look();
    }
}

#[test]
fn io_error_may_use_the_connection() {
    for (writes, is_closing) in [(false, false), (true, false), (false, true), (true, true)] {
        on_a_thread(&format!("writing: {writes}, closing: {is_closing}"), move || {
            runtime().block_on(async {
                let (io, server) = tokio::io::duplex(1 << 10);
                let fails = Arc::<Mutex<_>>::default();
                let server = Failing { io: server, fails: Arc::clone(&fails), writes };
                let acceptor = Acceptor::new(AcceptAll);
                let (peer, accepted) = tokio::join!(Peer::open(io, None), acceptor.accept(server));
                let (mut peer, socket) = (peer.expect("it opens"), accepted.expect("it opens").0);
                let (sender, mut receiver) = socket.split();
                yield_now().await;
                let uses = Arc::<AtomicUsize>::default();
                let error = Curious { sender: sender.clone(), uses: Arc::clone(&uses) };
                *fails.lock().expect("nothing panics") = Some(std::io::Error::other(error));
                if is_closing {
                    sender.close(CloseCode::GOING_AWAY, "");
                }
                peer.send(FIN | PING, b"").await;
                let _ = sender.try_send(Message::text("hello"));
                let _ = sender.flush().await;
                if writes {
                    drop(peer);
                }
                while receiver.recv().await.is_some() {}
                drop((sender, receiver));
                yield_now().await;
                // No task reads the error of a Close that no task waits for.
                assert!(uses.load(Ordering::Relaxed) > 0 || writes && is_closing, "the error is used");
            });
        });
    }
}

/// A subscriber that uses senders whenever a span is cloned or dropped.
struct Spans(Arc<Mutex<Vec<Sender<DuplexStream>>>>, Arc<AtomicUsize>);

impl Spans {
    fn look(&self) {
        show(|| {
            for sender in self.0.lock().expect("nothing panics").iter() {
                self.1.fetch_add(1, Ordering::Relaxed);
                let _ = sender.is_closed();
            }
        });
    }
}

impl Subscriber for Spans {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::Id {
        tracing::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::Id, _: &tracing::span::Record<'_>) {
        self.look();
    }

    fn record_follows_from(&self, _: &tracing::Id, _: &tracing::Id) {}

    fn event(&self, _: &Event<'_>) {
        self.look();
    }

    fn enter(&self, _: &tracing::Id) {
        self.look();
    }

    fn exit(&self, _: &tracing::Id) {
        self.look();
    }

    fn clone_span(&self, id: &tracing::Id) -> tracing::Id {
        self.look();
        id.clone()
    }

    fn try_close(&self, _: tracing::Id) -> bool {
        self.look();
        false
    }
}

/// A dropped driver is followed by another one, which has the span too.
#[test]
fn subscriber_may_use_a_socket_whose_span_is_cloned() {
    on_a_thread("a span that is cloned", || {
        let (senders, looks) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<AtomicUsize>::default());
        let spans = Spans(Arc::clone(&senders), Arc::clone(&looks));
        tracing::subscriber::with_default(spans, || {
            runtime().block_on(async {
                let (mut peer, socket) = pair(Config::new(), 1 << 10).await;
                let known = Arc::clone(&senders);
                let mut driver = Box::pin(socket.drive(|socket| async move {
                    let (sender, receiver) = socket.split();
                    known.lock().expect("nothing panics").push(sender);
                    receiver
                }));
                let mut halves = None;
                for _ in 0..10 {
                    if let Some(receiver) = (&mut driver).now_or_never() {
                        halves = receiver;
                    }
                }
                drop((driver, halves));
                let code = soon("the Close", peer.next_close()).await;
                assert_eq!(code, 1000);
                senders.lock().expect("nothing panics").clear();
            });
        });
        assert!(looks.load(Ordering::Relaxed) > 0, "the subscriber looks");
    });
}

/// Opens a socket in a runtime, which then ends or is no longer polled.
fn open_elsewhere(config: Config, is_dropped: bool) -> (Option<Runtime>, Peer, WebSocket<DuplexStream>) {
    let elsewhere = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (peer, socket) = elsewhere.block_on(async {
        let (peer, mut socket) = pair(config, 1 << 16).await;
        // Creates the timer in this runtime.
        assert!(tokio::time::timeout(Duration::from_millis(20), socket.recv()).await.is_err());
        (peer, socket)
    });
    ((!is_dropped).then_some(elsewhere), peer, socket)
}

/// Timers stayed in the first runtime.
#[test]
fn socket_keeps_its_timeouts_in_another_runtime() {
    for is_dropped in [false, true] {
        on_a_thread("a socket in another runtime", move || {
            let config = Config::new().close_timeout(Duration::from_millis(300));
            let (_elsewhere, peer, mut socket) = open_elsewhere(config, is_dropped);
            let here = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
            let closed = here.block_on(async move {
                tokio::spawn(async move { socket.close(CloseCode::NORMAL, "").await }).await
            });
            assert!(closed.expect("no panic").is_err(), "the peer never answers");
            drop(peer);
        });
    }
}

/// The driver ended with its runtime, so nothing wrote the message.
#[test]
fn message_is_written_after_the_drivers_runtime_has_ended() {
    on_a_thread("a sender without a driver", || {
        let elsewhere =
            Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let (mut peer, sender, mut receiver) = elsewhere.block_on(async {
            let (peer, socket) = pair(Config::new(), 1 << 16).await;
            let (sender, receiver) = socket.split();
            tokio::time::sleep(Duration::from_millis(20)).await;
            (peer, sender, receiver)
        });
        drop(elsewhere);
        let here = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        here.block_on(async move {
            let receiving = tokio::spawn(async move { receiver.recv().await.is_some() });
            tokio::time::sleep(Duration::from_millis(20)).await;
            sender.send("hello").await.expect("it is open");
            assert_eq!(soon("the message", peer.next()).await.payload, b"hello");
            receiving.abort();
        });
    });
}
