//! Sends one message to many sockets, over in-memory streams: through `Rooms`, through one `Sender`
//! after the other, and through bare tokio-tungstenite with a task and a `tokio::sync::broadcast`
//! receiver for each socket. Also joins and leaves a room.
//!
//! Everything runs on one thread. The clients are the same in all results, and count in them.

use criterion::{BenchmarkId, Criterion, Throughput};
use futures_util::SinkExt;
use raw_client::opening::open;
use tokio::{
    io::{AsyncReadExt, DuplexStream, duplex},
    runtime::{Builder, Runtime},
    sync::{broadcast, mpsc},
};
use tokio_tungstenite::accept_async;
use tower_websocket::{AcceptAll, Acceptor, Message, Sender, WebSocket, rooms::Rooms};

const SUBSCRIBERS: usize = 100;

/// The bytes of a message.
const SIZE: usize = 64;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    fan(&mut criterion);
    join(&mut criterion);
    criterion.final_summary();
}

fn fan(c: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let message = Message::binary(vec![7; SIZE]);
    let mut group = c.benchmark_group(format!("{SIZE} B to {SUBSCRIBERS} sockets"));
    group.throughput(Throughput::Elements(SUBSCRIBERS as u64));

    let (mut clients, senders) = senders(&runtime);
    let rooms = Rooms::new();
    let memberships: Vec<_> = senders.iter().map(|sender| rooms.join("room", sender, ())).collect();
    group.bench_function(BenchmarkId::from_parameter("tower-websocket"), |b| {
        b.iter(|| {
            runtime.block_on(async {
                assert_eq!(rooms.send("room", message.clone()).queued, SUBSCRIBERS);
                receive(&mut clients).await;
            });
        });
    });
    drop(memberships);
    group.bench_function(BenchmarkId::from_parameter("tower-websocket, one sender after the other"), |b| {
        b.iter(|| {
            runtime.block_on(async {
                for sender in &senders {
                    sender.try_send(message.clone()).expect("there is room");
                }
                receive(&mut clients).await;
            });
        });
    });

    let (mut clients, topic) = broadcast(&runtime);
    group.bench_function(BenchmarkId::from_parameter("tokio-tungstenite"), |b| {
        b.iter(|| {
            runtime.block_on(async {
                topic.send(message.clone()).expect("there are receivers");
                receive(&mut clients).await;
            });
        });
    });
    group.finish();
}

/// Joins a room with many sockets, and leaves it.
fn join(c: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (_clients, senders) = senders(&runtime);
    let mut group = c.benchmark_group("join and leave");
    for sockets in [10, 10_000] {
        let rooms = Rooms::new();
        let memberships: Vec<_> =
            (0..sockets).map(|member| rooms.join("room", &senders[member % SUBSCRIBERS], member)).collect();
        group.bench_function(BenchmarkId::from_parameter(format!("with {sockets}")), |b| {
            b.iter(|| drop(rooms.join("room", &senders[0], sockets)));
        });
        drop(memberships);
    }
    group.finish();
}

/// Each client reads a message.
async fn receive(clients: &mut [DuplexStream]) {
    for client in clients {
        let mut frame = [0; 2 + SIZE];
        client.read_exact(&mut frame).await.expect("open");
    }
}

fn senders(runtime: &Runtime) -> (Vec<DuplexStream>, Vec<Sender<DuplexStream>>) {
    let (tell, mut told) = mpsc::unbounded_channel();
    let clients = clients(runtime, |io| {
        let tell = tell.clone();
        runtime.spawn(async move {
            let (socket, ()) = Acceptor::new(AcceptAll).accept(io).await.expect("an upgrade");
            let subscribe = async |socket: WebSocket<DuplexStream>| {
                let (sender, mut receiver) = socket.split();
                tell.send(sender).expect("it is heard");
                while let Some(Ok(_)) = receiver.recv().await {}
            };
            socket.drive(subscribe).await;
        });
    });
    let sender = |_| runtime.block_on(told.recv()).expect("one for each");
    let senders = (0..SUBSCRIBERS).map(sender).collect();
    (clients, senders)
}

fn broadcast(runtime: &Runtime) -> (Vec<DuplexStream>, broadcast::Sender<Message>) {
    let topic = broadcast::Sender::new(16);
    let clients = clients(runtime, |io| {
        let mut messages = topic.subscribe();
        runtime.spawn(async move {
            let mut socket = accept_async(io).await.expect("an upgrade");
            while let Ok(message) = messages.recv().await {
                if socket.send(message).await.is_err() {
                    break;
                }
            }
        });
    });
    (clients, topic)
}

/// Returns clients of the sockets that `serve` serves.
fn clients(runtime: &Runtime, serve: impl Fn(DuplexStream)) -> Vec<DuplexStream> {
    let mut clients = Vec::new();
    for _ in 0..SUBSCRIBERS {
        let (mut client, server) = duplex(4 << 10);
        serve(server);
        runtime.block_on(open(&mut client, "/", "")).expect("an upgrade");
        clients.push(client);
    }
    clients
}
