//! A runtime that is shut down while sockets are open, in every state.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::mpsc::{Receiver as Inbox, Sender as Outbox, channel},
    thread,
    time::Duration,
};

use raw_client::{
    frame,
    opening::{open_blocking, request},
    whole::TEXT,
};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    sync::{mpsc, oneshot},
};
use tower_websocket::{
    AcceptAll, Config, Message, Receiver, Sender, Shutdown, WebSocket, WebSocketUpgradeLayer, serve,
};

use crate::{
    form::by_form,
    site::{Event, config, service},
    trial::{Alone, Outcomes, PATIENCE},
};

/// The number of tries of each way to end a runtime, in the long form.
const TRIES: usize = 40;

/// How a runtime ends.
#[derive(Clone, Copy)]
enum End {
    Drop,
    Timeout,
    Background,
}

/// A value that a handler passes out of the runtime.
enum Kept {
    Sender(Sender),
    Halves(Sender, Receiver),
    Socket(WebSocket),
}

/// A server in its own runtime, on its own thread.
struct Running {
    addr: SocketAddr,
    keeping: SocketAddr,
    shutdowns: [Shutdown; 2],
    events: mpsc::UnboundedReceiver<Event>,
    kept: Inbox<Kept>,
    end: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
}

fn start(runtime: Runtime, end: End) -> Running {
    let (tell, events) = mpsc::unbounded_channel();
    let (keep, kept) = channel();
    let (end_it, ended) = oneshot::channel::<()>();
    let (ready, told) = channel();
    let thread = thread::spawn(move || {
        runtime.block_on(async {
            let listeners = [bind().await, bind().await];
            let addrs = listeners.each_ref().map(|listener| listener.local_addr().unwrap());
            let [listener, other] = listeners;
            let server = serve(listener, service(config(), tell));
            let layer =
                WebSocketUpgradeLayer::new(AcceptAll, move |socket, ()| give_away(socket, keep.clone()));
            let config = Config::new().keepalive_interval(Duration::from_secs(1000));
            let keeper = serve(other, layer.with_config(config).into_service());
            ready.send((addrs, [server.shutdown().clone(), keeper.shutdown().clone()])).unwrap();
            tokio::spawn(server.into_future());
            tokio::spawn(keeper.into_future());
            let _ = ended.await;
        });
        match end {
            End::Drop => drop(runtime),
            End::Timeout => runtime.shutdown_timeout(PATIENCE),
            End::Background => runtime.shutdown_background(),
        }
    });
    let ([addr, keeping], shutdowns) = told.recv_timeout(PATIENCE).unwrap();
    Running { addr, keeping, shutdowns, events, kept, end: end_it, thread }
}

async fn bind() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

/// Passes the value that the first message names to the test, which keeps it.
async fn give_away(mut socket: WebSocket, keep: Outbox<Kept>) {
    let what = socket.recv().await.unwrap().unwrap();
    let _ = match what.to_text().unwrap() {
        "socket" => keep.send(Kept::Socket(socket)),
        what => {
            let (sender, mut receiver) = socket.split();
            if what == "sender" {
                keep.send(Kept::Sender(sender)).unwrap();
                while let Some(Ok(_)) = receiver.recv().await {}
                return;
            }
            keep.send(Kept::Halves(sender, receiver))
        }
    };
    std::future::pending().await
}

fn connect(addr: SocketAddr) -> TcpStream {
    let io = TcpStream::connect(addr).unwrap();
    io.set_read_timeout(Some(PATIENCE)).unwrap();
    io
}

fn open(addr: SocketAddr, path: &str) -> TcpStream {
    let mut io = connect(addr);
    open_blocking(&mut io, path, "").unwrap();
    io
}

/// Returns clients whose connections are in every state.
fn everyone(running: &mut Running) -> Vec<(&'static str, TcpStream)> {
    let addr = running.addr;
    let mut seen = |expected: Event| {
        while running.events.blocking_recv().unwrap() != expected {}
    };
    let mut clients = vec![("no request", connect(addr))];
    let mut io = connect(addr);
    io.write_all(b"GET / HT").unwrap();
    clients.push(("half a request", io));
    let mut io = connect(addr);
    io.write_all(request("/asked", "").as_bytes()).unwrap();
    seen(Event::Asked);
    clients.push(("the handshake service is pending", io));
    let mut io = connect(addr);
    io.write_all(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    io.read_exact(&mut [0; 10]).unwrap();
    clients.push(("a large page", io));
    for (what, path, bytes, event) in [
        ("idle", "/echo", vec![], None),
        ("inside a message", "/echo", frame(TEXT, b"hello")[..7].to_vec(), None),
        ("an echo unread", "/echo", frame(TEXT, b"hello"), Some(Event::Message(5))),
        ("sending waits", "/send", vec![], Some(Event::Stuck)),
        ("our Close unanswered", "/close", vec![], None),
        ("the handler returned", "/leave", vec![], None),
        ("the handler never polls", "/asleep", vec![], None),
    ] {
        let mut io = open(addr, path);
        seen(Event::Opened);
        io.write_all(&bytes).unwrap();
        if let Some(event) = event {
            seen(event);
        }
        clients.push((what, io));
    }
    clients
}

/// Reads until the end of the stream or a reset.
fn ends(what: &str, mut io: TcpStream) {
    let mut bytes = [0; 1 << 16];
    loop {
        match io.read(&mut bytes) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{what}: {error}");
                return;
            }
        }
    }
}

/// Within another runtime, a kept value returns an error or the end. It does not panic or hang.
async fn use_up(kept: Kept) {
    let message = || Message::text("is anybody there?");
    match kept {
        Kept::Sender(sender) => {
            assert!(sender.is_closed());
            sender.send(message()).await.unwrap_err();
            sender.try_send(message()).unwrap_err();
            let _ = sender.flush().await;
        }
        Kept::Halves(sender, mut receiver) => {
            // This may succeed: the handle may not have been used since the runtime ended.
            let _ = sender.send(message()).await;
            let _ = sender.flush().await;
            while receiver.recv().await.is_some() {}
            sender.send(message()).await.unwrap_err();
            assert!(sender.is_closed() && receiver.close_info().is_some());
        }
        Kept::Socket(mut socket) => {
            let _ = socket.send(message()).await;
            while socket.recv().await.is_some() {}
            socket.send(message()).await.unwrap_err();
            assert!(socket.close_info().is_some());
        }
    }
}

fn shut_down(what: &str, threads: usize, end: End) {
    let mut outcomes = Outcomes::default();
    for n in 0..by_form(TRIES / 10, TRIES) {
        let alone = Alone::new();
        let runtime = if threads == 0 {
            Builder::new_current_thread().enable_all().build()
        } else {
            Builder::new_multi_thread().worker_threads(threads).enable_all().build()
        };
        let mut running = start(runtime.unwrap(), end);
        let clients = everyone(&mut running);
        let mut keepers = Vec::new();
        let mut all_kept = Vec::new();
        for what in ["sender", "halves", "socket"] {
            let mut io = open(running.keeping, "/");
            io.write_all(&frame(TEXT, what.as_bytes())).unwrap();
            all_kept.push(running.kept.recv_timeout(PATIENCE).unwrap());
            keepers.push((what, io));
        }
        running.end.send(()).unwrap();
        running.thread.join().unwrap();
        let count = clients.len();
        for (what, io) in clients {
            ends(what, io);
        }
        // A kept sender does not keep the connection open.
        let (what, io) = keepers.remove(0);
        ends(what, io);
        // Used in another runtime, or dropped outside any runtime.
        if n % 2 == 0 {
            let other = crate::trial::runtime();
            for kept in all_kept {
                other
                    .block_on(async { tokio::time::timeout(PATIENCE, use_up(kept)).await })
                    .expect("it hangs");
            }
            drop(other);
        } else {
            drop(all_kept);
        }
        for (what, io) in keepers {
            ends(what, io);
        }
        for shutdown in &running.shutdowns {
            assert_eq!(shutdown.connections(), 0, "ended sockets are counted");
        }
        alone.finish();
        outcomes.add(format!("{count} connections and 3 sockets kept elsewhere ended"));
    }
    outcomes.tell(&format!("runtime {what}"));
}

#[test]
fn multi_thread_runtime_is_dropped() {
    shut_down("of 2 threads is dropped", 2, End::Drop);
}

#[test]
fn current_thread_runtime_is_dropped() {
    shut_down("of the current thread is dropped", 0, End::Drop);
}

#[test]
fn runtime_is_shut_down_with_a_timeout() {
    shut_down("of 2 threads is shut down with a timeout", 2, End::Timeout);
}

#[test]
fn runtime_is_shut_down_in_the_background() {
    shut_down("of the current thread is shut down in the background", 0, End::Background);
}
