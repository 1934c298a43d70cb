//! Messages of one task while other tasks compute.

use std::{
    future::{pending, poll_fn},
    io::{self, Read, Write},
    net::TcpStream as BlockingStream,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    task::{Context, Poll},
    thread,
    time::{Duration, Instant},
};

use raw_client::{
    frame,
    opcode::{CLOSE, PING, PONG},
    opening::open_blocking,
    whole::TEXT,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    sync::oneshot,
    time::sleep,
};
use tower_websocket::{AcceptAll, Acceptor, Sender, WebSocket};

use crate::receiving;

/// How long a task computes. Messages arrive much earlier.
const LONG: Duration = Duration::from_secs(8);

fn compute() {
    thread::sleep(LONG);
}

/// A client outside of any runtime.
struct Client(BlockingStream);

impl Client {
    fn send(&mut self, text: &str) {
        self.0.write_all(&frame(TEXT, text.as_bytes())).unwrap();
    }

    /// Returns the next message, which is short.
    fn recv(&mut self) -> String {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).unwrap();
        let mut payload = vec![0; head[1].into()];
        self.0.read_exact(&mut payload).unwrap();
        String::from_utf8(payload).unwrap()
    }

    /// Checks that `texts` arrive while the tasks still compute.
    fn expect(&mut self, texts: &[&str], start: Instant) {
        let mut received: Vec<_> = texts.iter().map(|_| self.recv()).collect();
        received.sort_unstable();
        assert_eq!(received, texts);
        assert!(start.elapsed() < LONG / 2, "after {:?}", start.elapsed());
    }
}

/// Runs a test on three threads. One of them always has something to do.
fn run(test: impl FnOnce(&Runtime)) {
    let runtime = Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap();
    runtime.spawn(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
    test(&runtime);
    runtime.shutdown_background();
}

fn pair<IO>(runtime: &Runtime, io: impl FnOnce(TcpStream) -> IO) -> (Client, WebSocket<IO>)
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let client = tokio::task::spawn_blocking(move || {
            let mut client = BlockingStream::connect(addr).unwrap();
            client.set_nodelay(true).unwrap();
            open_blocking(&mut client, "/", "").unwrap();
            client
        });
        let (server, _) = listener.accept().await.unwrap();
        let (socket, ()) = Acceptor::new(AcceptAll).accept(io(server)).await.unwrap();
        (Client(client.await.unwrap()), socket)
    })
}

/// Returns a client, and the sender of its socket, whose handler waits for messages.
fn listener(runtime: &Runtime) -> (Client, Sender<TcpStream>) {
    let (client, socket) = pair(runtime, |io| io);
    let sender = runtime.block_on(receiving(socket));
    thread::sleep(Duration::from_millis(100));
    (client, sender)
}

#[test]
fn message_of_a_task_that_computes_arrives() {
    run(|runtime| {
        let (mut client, sender) = listener(runtime);
        let start = Instant::now();
        runtime.spawn(async move {
            sender.send("hello").await.unwrap();
            compute();
            drop(sender);
        });
        client.expect(&["hello"], start);
    });
}

#[test]
fn messages_of_others_arrive_while_a_sender_computes() {
    run(|runtime| {
        let (mut client, sender) = listener(runtime);
        let start = Instant::now();
        let first = sender.clone();
        runtime.spawn(async move {
            first.send("0").await.unwrap();
            compute();
            drop(first);
        });
        runtime.spawn(async move {
            for text in ["1", "2", "3"] {
                sleep(Duration::from_millis(100)).await;
                sender.send(text).await.unwrap();
            }
            sleep(2 * LONG).await;
            drop(sender);
        });
        client.expect(&["0", "1", "2", "3"], start);
    });
}

/// The control frame is read together with the message for which the handler computes.
#[test]
fn control_frame_is_answered_while_the_handler_computes() {
    let message = frame(TEXT, b"begin");
    let ping = frame(0x80 | PING, b"now");
    let close = frame(0x80 | CLOSE, &[3, 232]);
    let cases = [
        (vec![ping.clone(), message.clone()], PING, PONG),
        (vec![message.clone(), ping], PING, PONG),
        (vec![message, close], CLOSE, CLOSE),
    ];
    for (frames, sent, answer) in cases {
        run(|runtime| {
            let (mut client, socket) = pair(runtime, |io| io);
            runtime.spawn(socket.drive(async |mut socket| {
                socket.recv_data().await.unwrap().unwrap();
                tokio::task::block_in_place(compute);
            }));
            thread::sleep(Duration::from_millis(100));
            let start = Instant::now();
            client.0.write_all(&frames.concat()).unwrap();
            let mut first = [0];
            client.0.read_exact(&mut first).unwrap();
            assert_eq!(first[0], 0x80 | answer, "for {sent:#x}");
            assert!(start.elapsed() < LONG / 2, "{sent:#x}: after {:?}", start.elapsed());
        });
    }
}

/// A task does the driver's work while the handler computes.
#[test]
fn helping_task_ends_with_the_handlers_turn() {
    run(|runtime| {
        let (mut client, socket) = pair(runtime, |io| io);
        let (finish, finished) = mpsc::channel::<()>();
        runtime.spawn(socket.drive(async move |mut socket| {
            socket.recv().await.unwrap().unwrap();
            // Computes. Otherwise no thread might wait for the IO of the runtime.
            tokio::task::block_in_place(|| finished.recv().unwrap());
            pending::<()>().await;
        }));
        let (metrics, start) = (runtime.metrics(), Instant::now());
        let tasks_are = |expected| {
            while metrics.num_alive_tasks() != expected {
                assert!(start.elapsed() < LONG, "{} tasks, not {expected}", metrics.num_alive_tasks());
                thread::sleep(Duration::from_millis(5));
            }
        };
        client.send("begin");
        thread::sleep(Duration::from_millis(100));
        tasks_are(2);
        client.send("meanwhile");
        tasks_are(3);
        finish.send(()).unwrap();
        tasks_are(2);
    });
}

#[test]
fn message_to_another_socket_arrives_while_the_handler_computes() {
    run(|runtime| {
        let (mut client, sender) = listener(runtime);
        let (mut other_client, other) = pair(runtime, |io| io);
        runtime.spawn(other.drive(async move |mut other| {
            while let Some(Ok(message)) = other.recv_data().await {
                sender.send(message).await.unwrap();
                compute();
            }
        }));
        thread::sleep(Duration::from_millis(100));
        let start = Instant::now();
        other_client.send("hello");
        client.expect(&["hello"], start);
    });
}

/// The thread leaves the message to the driver, whose task is woken by something else as well.
#[test]
fn message_of_a_thread_arrives_although_the_handler_computes_next() {
    run(|runtime| {
        let (mut client, socket) = pair(runtime, |io| io);
        let (give, given) = mpsc::channel();
        let (go, wait) = oneshot::channel::<()>();
        runtime.spawn(socket.drive(async move |socket| {
            let (sender, mut receiver) = socket.split();
            give.send(sender).unwrap();
            let _ = wait.await;
            compute();
            while receiver.recv().await.is_some() {}
        }));
        let sender = given.recv().unwrap();
        thread::sleep(Duration::from_millis(50));
        // The threads are busy for a moment, so the handler is polled only after both.
        for _ in 0..3 {
            runtime.spawn(async { thread::sleep(Duration::from_millis(100)) });
            thread::sleep(Duration::from_millis(10));
        }
        let start = Instant::now();
        sender.try_send("hello").unwrap();
        go.send(()).unwrap();
        client.expect(&["hello"], start);
    });
}

type Hook = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// An IO that calls a function in its next successful read.
struct Meddled {
    io: TcpStream,
    hook: Hook,
}

impl AsyncRead for Meddled {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        let hook = self.hook.lock().unwrap().take_if(|_| buf.filled().len() > before);
        if let Some(hook) = hook {
            hook();
        }
        polled
    }
}

/// Returns a hook that sends from another thread, and then does `more`. The connection stays open.
fn send_hello(
    sender: Sender<Meddled>,
    more: impl FnOnce() + Send + 'static,
) -> Option<Box<dyn FnOnce() + Send>> {
    Some(Box::new(|| {
        let sending = thread::spawn(move || {
            sender.try_send("hello").unwrap();
            std::mem::forget(sender);
            more();
        });
        sending.join().unwrap();
    }))
}

impl AsyncWrite for Meddled {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[test]
fn message_that_is_sent_while_the_handler_reads_arrives_before_it_computes() {
    for is_whole in [true, false] {
        run(|runtime| {
            let hook = Hook::default();
            let (mut client, socket) = pair(runtime, |io| Meddled { io, hook: Arc::clone(&hook) });
            let (give, given) = mpsc::channel();
            let is_sent = Arc::new(AtomicBool::new(false));
            let seen = Arc::clone(&is_sent);
            runtime.spawn(socket.drive(async move |socket| {
                let (sender, mut receiver) = socket.split();
                give.send(sender).unwrap();
                tokio::select! {
                    biased;
                    _ = receiver.recv() => {}
                    // This wakes no task: it is ready in the poll in which the hook is called.
                    () = poll_fn(|_| if seen.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }) => {}
                }
                compute();
                drop(receiver);
            }));
            let sender = given.recv().unwrap();
            thread::sleep(Duration::from_millis(50));
            *hook.lock().unwrap() = send_hello(sender, move || is_sent.store(true, Ordering::SeqCst));
            let start = Instant::now();
            let message = frame(TEXT, b"go");
            client.0.write_all(if is_whole { &message } else { &message[..5] }).unwrap();
            client.expect(&["hello"], start);
        });
    }
}

/// The receiver is on another task, and the handler's turn begins while that task reads.
#[test]
fn message_that_is_sent_while_another_task_reads_arrives_while_the_handler_computes() {
    run(|runtime| {
        let hook = Hook::default();
        let (mut client, socket) = pair(runtime, |io| Meddled { io, hook: Arc::clone(&hook) });
        let (give, given) = mpsc::channel();
        let (go, wait) = oneshot::channel::<()>();
        runtime.spawn(socket.drive(async move |socket| {
            give.send(socket.split()).unwrap();
            wait.await.unwrap();
            compute();
        }));
        let (sender, mut receiver) = given.recv().unwrap();
        runtime.spawn(async move {
            receiver.recv().await.unwrap().unwrap();
            pending::<()>().await;
        });
        thread::sleep(Duration::from_millis(100));
        *hook.lock().unwrap() = send_hello(sender, move || {
            go.send(()).unwrap();
            // The handler's turn begins meanwhile.
            thread::sleep(Duration::from_millis(200));
        });
        let start = Instant::now();
        client.send("go");
        client.expect(&["hello"], start);
    });
}
