//! Tasks that never have to wait: those that only send, and those whose IO wakes itself.

use std::{
    future::Future,
    io::{self, Read, Write},
    net::TcpStream as BlockingStream,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    task::{Context, Poll},
    thread,
    time::{Duration, Instant},
};

use futures_util::{
    SinkExt, StreamExt,
    future::{self, Either},
    stream::select,
};
use raw_client::{
    frame,
    opcode::CLOSE,
    opening::{open_blocking, request},
    read_frame,
    whole::BINARY,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex},
    net::{TcpListener, TcpStream},
    runtime::Builder,
};
use tower_websocket::{AcceptAll, Acceptor, Config, Error, WebSocket};

use crate::{SOON, opened, receiving};

/// How long the handler sends if nothing ends it.
const LONG: Duration = Duration::from_secs(20);

/// The kinds of tasks that only send.
#[derive(Clone, Copy, Debug)]
enum Task {
    Handler,
    /// A handler that flushes after each message.
    Flushing,
    /// A handler that uses its socket as a `Sink`.
    Sink,
    /// A handler that uses its socket as a byte stream.
    Bytes,
    /// A task with a sender, while the handler receives.
    Sender,
}

impl Task {
    /// Sends until sending fails.
    async fn run(self, mut socket: WebSocket<TcpStream>, start: Instant) {
        if let Self::Bytes = self {
            let mut stream = socket.into_byte_stream();
            while start.elapsed() < LONG && stream.write_all(b"tick").await.is_ok() {}
            return;
        }
        if let Self::Sender = self {
            let (sender, mut receiver) = socket.split();
            tokio::spawn(async move { while start.elapsed() < LONG && sender.send("tick").await.is_ok() {} });
            while let Some(Ok(_)) = receiver.recv().await {}
            return;
        }
        while start.elapsed() < LONG && self.send(&mut socket).await.is_ok() {}
    }

    async fn send(self, socket: &mut WebSocket<TcpStream>) -> Result<(), Error> {
        match self {
            Self::Sink => SinkExt::send(socket, "tick".into()).await,
            Self::Flushing => {
                socket.send("tick").await?;
                socket.flush().await
            }
            _ => socket.send("tick").await,
        }
    }
}

/// Returns when the task noticed the Close that the client sends after 300 ms, and the longest time
/// in which another task of the same thread did not run.
fn measure(task: Task, config: Config) -> (Duration, Duration) {
    let (tell, told) = mpsc::channel();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut client = BlockingStream::connect(addr).unwrap();
        open_blocking(&mut client, "/", "").unwrap();
        let mut writer = client.try_clone().unwrap();
        thread::spawn(move || {
            let mut buffer = vec![0; 1 << 20];
            while client.read(&mut buffer).unwrap_or(0) > 0 {}
        });
        thread::sleep(Duration::from_millis(300));
        writer.write_all(&frame(0x80 | CLOSE, &[])).unwrap();
        let _ = tell.send(Instant::now());
    });
    runtime.block_on(async {
        let (server, _) = listener.accept().await.unwrap();
        let acceptor = Acceptor::new(AcceptAll).with_config(config);
        let (socket, ()) = acceptor.accept(server).await.unwrap();
        let start = Instant::now();
        let driver = tokio::spawn(socket.drive(move |socket| task.run(socket, start)));
        let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
        while !driver.is_finished() {
            tokio::task::yield_now().await;
            longest = longest.max(last.elapsed());
            last = Instant::now();
        }
        (told.recv().unwrap().elapsed(), longest)
    })
}

#[test]
fn task_that_only_sends_lets_others_run() {
    for task in [Task::Handler, Task::Flushing, Task::Sink, Task::Bytes, Task::Sender] {
        for cork in [true, false] {
            let (noticed, longest) = measure(task, Config::new().cork(cork));
            assert!(noticed < LONG / 4, "{task:?}, cork {cork}: the Close was noticed after {noticed:?}");
            assert!(longest < LONG / 4, "{task:?}, cork {cork}: others waited for {longest:?}");
        }
    }
}

/// An IO that wakes its task each time it has no data.
struct Restless(DuplexStream);

impl AsyncRead for Restless {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.0).poll_read(cx, buf);
        if polled.is_pending() {
            cx.waker().wake_by_ref();
        }
        polled
    }
}

impl AsyncWrite for Restless {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[test]
fn io_that_wakes_itself_lets_others_run() {
    let (tell, told) = mpsc::channel();
    // In a thread, because a task that does not yield would never return.
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, server) = duplex(1000);
            let (mut client, socket) = opened(client, Restless(server), Config::new(), "").await;
            let sender = receiving(socket).await;
            tokio::time::sleep(Duration::from_millis(10)).await;
            sender.send("hello").await.unwrap();
            let _ = tell.send(read_frame(&mut client).await.unwrap().1);
        });
    });
    assert_eq!(told.recv_timeout(SOON).expect("the other task runs"), b"hello");
}

/// An IO that always has more small messages, and accepts everything.
struct Endless {
    /// The request, then messages again and again.
    request: Vec<u8>,
    messages: Vec<u8>,
    at: usize,
}

impl AsyncRead for Endless {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.request.is_empty() {
            buf.put_slice(&std::mem::take(&mut this.request));
            return Poll::Ready(Ok(()));
        }
        let rest = &this.messages[this.at..];
        let len = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..len]);
        this.at = (this.at + len) % this.messages.len();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Endless {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Runs `task`, and returns how often another task of the thread ran meanwhile.
fn turns_of_another_task<F: Future<Output = ()>>(task: impl FnOnce(WebSocket<Endless>) -> F) -> u32 {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let messages = frame(BINARY, &[7; 100]).repeat(1000);
        let io = Endless { request: request("/", "").into_bytes(), messages, at: 0 };
        let (socket, ()) = Acceptor::new(AcceptAll).accept(io).await.unwrap();
        let turns = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&turns);
        tokio::spawn(async move {
            loop {
                tokio::task::yield_now().await;
                counter.fetch_add(1, Ordering::Relaxed);
            }
        });
        task(socket).await;
        turns.load(Ordering::Relaxed)
    })
}

/// Something between the socket and the task continues although the socket has yielded.
#[test]
fn receiver_lets_others_run_whatever_polls_it() {
    let lasts = |start: Instant| start.elapsed() < Duration::from_secs(2);
    let bytes = turns_of_another_task(async |socket| {
        let (mut reader, _writer) = socket.into_byte_stream().into_split();
        let (start, mut buffer) = (Instant::now(), vec![0; 8 * 1024]);
        while lasts(start) {
            assert!(reader.read(&mut buffer).await.unwrap() > 0);
        }
    });
    let chunks = turns_of_another_task(async |socket| {
        let (_sender, receiver) = socket.split();
        let (start, mut chunks) = (Instant::now(), receiver.ready_chunks(100));
        while lasts(start) {
            assert!(chunks.next().await.is_some());
        }
    });
    let both = turns_of_another_task(async |socket| {
        let (_sender, receiver) = socket.split();
        let (start, numbers) = (Instant::now(), futures_util::stream::pending());
        let mut both = select(receiver.map(|_| ()), numbers).ready_chunks(10);
        while lasts(start) {
            assert!(both.next().await.is_some());
        }
    });
    // Without yielding it is one turn.
    assert!(bytes > 10 && chunks > 10 && both > 10, "{bytes}, {chunks} and {both} turns");
}

/// A channel that is never empty uses up what the runtime lets a task do, before the socket is
/// asked.
#[test]
fn receiver_is_served_beside_a_busy_channel() {
    let received = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&received);
    turns_of_another_task(async move |socket| {
        let (_sender, mut receiver) = socket.split();
        let (give, mut take) = tokio::sync::mpsc::unbounded_channel();
        give.send(()).unwrap();
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(2) {
            match future::select(pin!(take.recv()), pin!(receiver.recv())).await {
                Either::Left(_) => give.send(()).unwrap(),
                Either::Right((message, _)) => {
                    message.unwrap().unwrap();
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    });
    // After some 700 messages, a receiver yields.
    let received = received.load(Ordering::Relaxed);
    assert!(received > 3000, "{received} messages");
}
